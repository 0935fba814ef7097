"""Reads through an open ledger what others show: grants asked for, freezes, messages."""
