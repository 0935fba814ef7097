"""Speaks with Slack: its API and its rates, who people are there, what messages are made of."""
