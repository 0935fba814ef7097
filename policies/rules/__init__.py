"""Compiles a policy from its files: rules, limits, settings."""
