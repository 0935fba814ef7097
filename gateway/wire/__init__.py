"""Reads and writes what goes over the wire: JSON-RPC messages, server-sent events, heads."""
