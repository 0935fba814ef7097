"""Listens to what people do in Slack: one module per kind of interaction."""
