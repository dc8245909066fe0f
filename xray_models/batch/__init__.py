"""Many films at once: where they come from, how they are scored, what is written of them."""
