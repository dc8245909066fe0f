"""Teaching: sets of films with their truth, reading sessions, their results, and what is kept."""
