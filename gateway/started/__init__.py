"""Starts servers that speak over their standard pipes, and shares each among its callers."""
