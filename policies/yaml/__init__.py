"""Reads the files that people write: YAML into checked values that know where they stand."""
