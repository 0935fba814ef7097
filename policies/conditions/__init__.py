"""Reads, checks and evaluates the conditions of rules."""
