"""Finds secrets in arguments and texts, and hides them."""
