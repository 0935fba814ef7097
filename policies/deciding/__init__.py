"""Decides one call by the rules, grants, limits and freezes in force."""
