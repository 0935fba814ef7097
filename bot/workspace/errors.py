"""The noes of Slack: what its Web API answers, and what its client tells a person."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class SlackError(Exception):
    """The answer `{"ok": false, "error": …}`; `extra` are its further members."""

    error: str
    extra: dict[str, Any] = field(default_factory=dict)
    status: int = 200

    def answer(self) -> dict[str, Any]:
        """Return the JSON body of the answer."""
        return {"ok": False, "error": self.error, **self.extra}


class Impossible(Exception):
    """What Slack's client would not let a person do, for example press a button that is gone."""
