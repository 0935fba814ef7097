"""The expected "no", written for the person who reads it."""


class Refused(Exception):
    """An expected refusal.

    The message is for the person in the chat: lower case, backticks round
    input, no final stop, and what to do next.
    """
