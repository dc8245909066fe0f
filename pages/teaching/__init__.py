"""Teaching page: choosing a set, reading its films, the results, and guided lessons."""
