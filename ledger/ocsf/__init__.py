"""Writes the history in the Open Cybersecurity Schema Framework."""
