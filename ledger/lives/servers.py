"""What is known of each server as a whole: that its tools were seen, and its instructions."""

from ledger.events.envelopes import Event, Model, Recorded
from ledger.events.standing_events import InstructionsAccepted, InstructionsSeen, ToolsPinned
from ledger.lives.approvals import CorruptHistory
from policies.values.calls import Instructions

_MOST = 50
"""Instructions of a server that are told apart from new ones."""


class KnownServer(Model):
    """What was seen of a server; `pinned` tells that it listed no tools at first sight.

    `instructions` has the hashes of all that it ever told models to do, the
    newest last, at most 50; it is empty where nobody looked, and `previous`
    is what was told before the newest. `accepted` are those that may be passed
    on, the one accepted last at the end; `by` is who accepted that, nobody
    where it was the first sight. `changed` is the position of the last change,
    None where there was none.
    """

    pinned: bool = False
    instructions: tuple[str, ...] = ()
    previous: str = ""
    accepted: tuple[str, ...] = ()
    by: str = ""
    changed: int | None = None

    @property
    def open(self) -> bool:
        """Tell whether it must be known at start: it always must."""
        return True

    @property
    def awaits(self) -> str | None:
        """The hash of instructions that somebody has to accept; None where there are none."""
        newest = self.instructions[-1] if self.instructions else None
        return None if newest in self.accepted else newest

    @property
    def standing(self) -> str:
        """The hash of the instructions accepted last, empty where there are none."""
        return self.accepted[-1] if self.accepted else ""

    def columns(self) -> dict[str, str | int | None]:
        """Return what the servers table is searched by: nothing."""
        return {}


def pin(server: str) -> list[Event]:
    """Return the event of a first list that is empty: no tool of it says that it was seen."""
    return [ToolsPinned(server=server)]


def instruct(
    server: str, known: KnownServer | None, told: Instructions | None, *, first: bool
) -> list[Event]:
    """Return the event of instructions that were not seen before; None where there are none.

    They are trusted with the `first` list of a server, as its tools are.
    """
    before = known.instructions if known is not None else ()
    if told is None or told.hash in before:
        return []
    return [
        InstructionsSeen(
            server=server,
            hash=told.hash,
            text=told.text,
            previous_hash=before[-1] if before else None,
            accepted=first or (known is not None and told.hash in known.accepted),
        )
    ]


def evolve(server: KnownServer | None, recorded: Recorded) -> KnownServer:
    """Return the server after `recorded`. Raises CorruptHistory."""
    event = recorded.event
    if not isinstance(event, ToolsPinned | InstructionsSeen | InstructionsAccepted):
        raise CorruptHistory(event)
    before = server or KnownServer(id=event.server, version=0, position=0)
    changes: dict[str, object] = {"version": recorded.version, "position": recorded.position}
    match event:
        case ToolsPinned():
            changes["pinned"] = True
        case InstructionsSeen():
            changes["instructions"] = (*before.instructions, event.hash)[-_MOST:]
            changes["previous"] = event.previous_hash or ""
            if event.accepted:
                changes |= _with(before, event.hash, by="")
            if event.previous_hash is not None or not event.accepted:
                changes["changed"] = recorded.position
        case InstructionsAccepted():
            changes |= _with(before, event.hash, by=event.by)
    return before.model_copy(update=changes)


def _with(server: KnownServer, accepted: str, *, by: str) -> dict[str, object]:
    others = [one for one in server.accepted if one != accepted]
    return {"accepted": (*others, accepted)[-_MOST:], "by": by}
