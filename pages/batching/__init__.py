"""Scoring many films in pieces: what to score, the scoring, its results, and the truth."""
