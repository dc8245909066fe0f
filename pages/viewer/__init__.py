"""The viewer: a film, its heat and its findings, painted and moved in the browser."""
