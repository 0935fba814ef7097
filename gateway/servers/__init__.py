"""Reaches servers over HTTP."""
