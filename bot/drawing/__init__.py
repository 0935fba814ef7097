"""Draws what people see in Slack: cards, modals, notices, the home tab. Pure."""
