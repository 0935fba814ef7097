"""Decides what a call may do: pure functions from a call and a policy to a decision."""
