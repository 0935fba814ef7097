"""Keeps events and projections in SQLite or PostgreSQL."""
