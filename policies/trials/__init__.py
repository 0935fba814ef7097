"""Runs the tests that people write of a policy."""
