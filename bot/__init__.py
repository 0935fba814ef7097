"""Asks people in Slack and brings their answers to the ledger."""
