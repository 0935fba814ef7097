"""The expected "no", written for the person who reads it."""


class Refused(Exception):
    """An expected refusal.

    The message is for the person in the chat: lower case, backticks round
    input, no final stop, and what to do next.
    """


class NotUnderstood(Refused):
    """A refusal of what was asked itself, such as a time that is none: no answer was looked for."""


class Unreadable(KeyError):
    """A name of the environment that a file has to say, which cannot be read; `why` says why."""

    def __init__(self, name: str, why: str) -> None:
        """Keep the name and the reason."""
        super().__init__(name)
        self.why = why
