"""Reads the files that people write and name: policies, lists of tools."""
