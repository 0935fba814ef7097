"""Finds in a policy what could never be met, and in a question what could be put otherwise."""
