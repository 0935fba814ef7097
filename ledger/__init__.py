"""Remembers every fact in an append-only history and decides under its head row."""
