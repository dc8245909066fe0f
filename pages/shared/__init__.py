"""What several pages share: opening a film or a table, waiting, links, the visitor."""
