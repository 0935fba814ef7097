"""Decides calls of the past anew, by what is kept of them."""
