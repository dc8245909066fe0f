"""What the pages that show one film share: opening it, asking about it, waiting for the answer."""
