"""Answers the JSON API: decisions for agents, reading for operators."""
