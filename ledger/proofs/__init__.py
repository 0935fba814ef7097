"""Proves the history to anybody: trees, signed checkpoints, receipts. Pure."""
