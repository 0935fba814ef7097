"""The mark that a card carries in Slack, by which it is known again; never an authority."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

_KIND = "placet_approval"


@dataclass(frozen=True)
class Mark:
    """Which approval a card is about and at which revision; `members` of a card of several."""

    approval: str
    revision: int
    members: tuple[str, ...] = ()

    @property
    def metadata(self) -> dict[str, Any]:
        """Return the mark as a message carries it.

        Source: https://docs.slack.dev/messaging/message-metadata
        """
        told: dict[str, Any] = {"approval": self.approval, "revision": self.revision}
        if self.members:
            told["members"] = " ".join(self.members)
        return {"event_type": _KIND, "event_payload": told}


class _Payload(BaseModel):
    """What is in a mark; other members of it are a later version's."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    approval: str = Field(min_length=1, max_length=100)
    revision: int = Field(default=0, ge=0, lt=10**18)
    members: str = Field(default="", max_length=2_000)


def mark_of(message: Any) -> Mark | None:
    """Return the mark of a message that Slack showed us, None where it has none."""
    metadata = message.get("metadata") if isinstance(message, dict) else None
    if not isinstance(metadata, dict) or metadata.get("event_type") != _KIND:
        return None
    try:
        told = _Payload.model_validate(metadata.get("event_payload"))
    except ValidationError:
        return None
    return Mark(told.approval, told.revision, tuple(told.members.split()))
