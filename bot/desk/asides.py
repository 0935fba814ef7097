"""What people are told where no channel is at hand: on their home tab."""

from collections.abc import Callable


class Asides:
    """Hands what a person is told to whoever shows it; nobody does before `listen`."""

    def __init__(self) -> None:
        self._listener: Callable[[str, str], None] = lambda _slack, _text: None

    def listen(self, listener: Callable[[str, str], None]) -> None:
        """Have `listener` called with a person (`T…/U…`) and what the person is told."""
        self._listener = listener

    def say(self, slack: str, text: str) -> None:
        """Tell a person something."""
        self._listener(slack, text)
