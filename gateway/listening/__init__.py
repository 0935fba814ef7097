"""Lets callers hear of changes for as long as they listen."""
