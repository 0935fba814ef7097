"""Faults that a test asks for: how the next calls of a method go wrong."""

from collections import deque
from dataclasses import dataclass, field

ANY_METHOD = "*"


@dataclass(frozen=True)
class AnswerError:
    """Answer `{"ok": false, "error": …}` with this error, doing nothing."""

    error: str


@dataclass(frozen=True)
class AnswerStatus:
    """Answer this HTTP status with a body that is not JSON, doing nothing."""

    status: int


@dataclass(frozen=True)
class RateLimit:
    """Answer 429 with `Retry-After` in seconds, doing nothing."""

    retry_after: int = 1


@dataclass(frozen=True)
class Hang:
    """Let the client wait `seconds`, then close the connection without an answer."""

    seconds: float = 3600


@dataclass(frozen=True)
class Delay:
    """Do what is asked after `seconds`, then answer."""

    seconds: float


@dataclass(frozen=True)
class CutConnection:
    """Close the connection without an answer, doing nothing."""


@dataclass(frozen=True)
class LoseAnswer:
    """Do what is asked, then close the connection without an answer."""


Fault = AnswerError | AnswerStatus | RateLimit | Hang | Delay | CutConnection | LoseAnswer


@dataclass
class Faults:
    """The faults still to come, per method; `*` stands for any method."""

    _coming: dict[str, deque[Fault]] = field(default_factory=dict)

    def add(self, method: str, fault: Fault, times: int) -> None:
        """Let the next `times` calls of `method` go wrong in this way."""
        self._coming.setdefault(method, deque()).extend([fault] * times)

    def take(self, method: str) -> Fault | None:
        """Return the fault for this call, used up by it, or None."""
        for name in (method, ANY_METHOD):
            if self._coming.get(name):
                return self._coming[name].popleft()
        return None

    def clear(self) -> None:
        """Forget all faults to come."""
        self._coming.clear()
