"""Reads `placet.yaml` and checks it as a whole."""
