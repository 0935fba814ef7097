"""Searches, explains, compares, verifies and exports the history."""
