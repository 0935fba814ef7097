"""Runs calls as tasks, which any replica answers for."""
