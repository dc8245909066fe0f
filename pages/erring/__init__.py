"""The errors page in pieces: which films, where they are, one of them in full, all in a table."""
