"""Receives whoever acts in Slack: who it is, what they may, what they are told."""
