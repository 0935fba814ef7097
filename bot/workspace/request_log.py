"""What the app asked of the Web API, for tests and for looking into trouble."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

KEPT = 10_000


@dataclass(frozen=True)
class Request:
    """One request: `at` in seconds since 1970; `outcome` is `ok`, Slack's error or the fault."""

    method: str
    at: float
    arguments: dict[str, Any]
    outcome: str


@dataclass
class RequestLog:
    """The last requests, oldest first; tokens are not kept."""

    _requests: deque[Request] = field(default_factory=lambda: deque(maxlen=KEPT))

    def add(self, method: str, at: float, arguments: dict[str, Any], outcome: str) -> None:
        """Note a request that was answered, or left without an answer."""
        shown = {name: value for name, value in arguments.items() if name != "token"}
        self._requests.append(Request(method, at, shown, outcome))

    def of(self, method: str | None = None) -> list[Request]:
        """Return the requests of one method, or all."""
        return [each for each in self._requests if method in {None, each.method}]

    def clear(self) -> None:
        """Forget all requests."""
        self._requests.clear()
