"""Lets callers connect, reads their requests and writes their answers, in bounds."""
