"""What is known of each server as a whole: that its tools were seen, and its instructions."""

from ledger.approvals import CorruptHistory
from ledger.envelopes import Event, Model, Recorded
from ledger.standing_events import InstructionsSeen, ToolsPinned
from policies.calls import Instructions

_MOST = 50
"""Instructions of a server that are told apart from new ones."""


class KnownServer(Model):
    """What was seen of a server; `pinned` tells that it listed no tools at first sight.

    `instructions` has the hashes of all that it ever told models to do, the
    newest last, at most 50; it is empty where nobody looked. `changed` is the
    position of the last change, None where there was none.
    """

    pinned: bool = False
    instructions: tuple[str, ...] = ()
    previous: str = ""
    changed: int | None = None

    @property
    def open(self) -> bool:
        """Tell whether it must be known at start: it always must."""
        return True

    def columns(self) -> dict[str, str | int | None]:
        """Return what the servers table is searched by: nothing."""
        return {}


def pin(server: str) -> list[Event]:
    """Return the event of a first list that is empty: no tool of it says that it was seen."""
    return [ToolsPinned(server=server)]


def instruct(server: str, known: KnownServer | None, told: Instructions | None) -> list[Event]:
    """Return the event of instructions that were not seen before; None where nobody looked."""
    before = known.instructions if known is not None else ()
    if told is None or told.hash in before:
        return []
    return [
        InstructionsSeen(
            server=server,
            hash=told.hash,
            text=told.text,
            previous_hash=before[-1] if before else None,
        )
    ]


def evolve(server: KnownServer | None, recorded: Recorded) -> KnownServer:
    """Return the server after `recorded`. Raises CorruptHistory."""
    event = recorded.event
    if not isinstance(event, ToolsPinned | InstructionsSeen):
        raise CorruptHistory(event)
    place: dict[str, object] = {"version": recorded.version, "position": recorded.position}
    before = server or KnownServer(id=event.server, version=0, position=0)
    match event:
        case ToolsPinned():
            return before.model_copy(update={"pinned": True, **place})
        case InstructionsSeen():
            seen: dict[str, object] = {
                "instructions": (*before.instructions, event.hash)[-_MOST:],
            }
            if event.previous_hash is not None:
                seen |= {"previous": event.previous_hash, "changed": recorded.position}
            return before.model_copy(update={**seen, **place})
