"""Reads what people type after `/placet`."""
