"""Speaks MCP over stdio for a gateway that is elsewhere: `placet stdio`."""
