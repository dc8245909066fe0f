"""How far a model can be trusted: figures with intervals, from stored held-out predictions."""
