"""Answers at the shell what policies say, and whether they say what is meant."""
