"""Keeps messages in channels as the ledger stands: posted once, painted anew, told in threads."""
