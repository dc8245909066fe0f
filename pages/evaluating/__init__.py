"""The performance screen in pieces. Any page that has truth beside probabilities may show it."""
