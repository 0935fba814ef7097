"""Tells who calls, by keys and tokens."""
