"""A workspace on loopback that speaks the part of Slack which the bot uses."""
