"""Stands between agents and MCP servers and lets only decided calls through."""
