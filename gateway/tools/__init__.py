"""Knows the tools and instructions of servers as they are now, and what people accepted of them."""
