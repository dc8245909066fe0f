"""Parts that the pages of one film share: queries, methods, maps, the overlay and its downloads."""
