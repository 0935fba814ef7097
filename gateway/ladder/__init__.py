"""Answers calls that wait for people in the best way that their callers know."""
