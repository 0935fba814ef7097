"""Slack's limits on blocks and views, checked as Slack checks them."""
