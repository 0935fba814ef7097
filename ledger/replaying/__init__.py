"""Folds the history from its first event, and compares what is kept with what it makes."""
