"""One file a recipe, and the registry that lists them."""
