"""Finds what in a policy decides nothing, or cannot be meant."""
