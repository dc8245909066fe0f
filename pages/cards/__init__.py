"""Parts of the page about the models."""
