"""Remembers a bounded number of answers, whatever is asked."""

from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")

_MOST = 4096


class Memory(Generic[Key, Answer]):
    """Up to 4,096 answers; when there are more, all are forgotten."""

    def __init__(self) -> None:
        """Begin with nothing remembered."""
        self._answers: dict[Key, Answer] = {}

    def __len__(self) -> int:
        return len(self._answers)

    def recall(self, key: Key) -> Answer | None:
        """Return what was kept under `key`, or None."""
        return self._answers.get(key)

    def keep(self, key: Key, answer: Answer) -> Answer:
        """Keep an answer, and return it."""
        if len(self._answers) >= _MOST:
            self._answers.clear()
        self._answers[key] = answer
        return answer
