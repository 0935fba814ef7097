"""Reads the database for whoever asks the ledger."""
