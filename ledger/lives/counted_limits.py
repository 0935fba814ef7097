"""What earlier calls count for a limit that came into force after them."""

from collections.abc import Iterator

from ledger.events.envelopes import Model, Recorded
from ledger.events.usage_events import CountedUsage, UsageCounted
from ledger.lives.approvals import CorruptHistory


class CountedLimit(Model):
    """What was counted when a limit came into force; its id is the meter of the limit."""

    counted: tuple[CountedUsage, ...]

    @property
    def open(self) -> bool:
        """Tell whether it must be known at start: it always must."""
        return True

    def columns(self) -> dict[str, str | int | None]:
        """Return what the table is searched by: nothing more."""
        return {}

    def named(self) -> Iterator[tuple[str, CountedUsage]]:
        """Yield each count with a name of its own; no call is called so."""
        for number, each in enumerate(self.counted):
            yield f"counted:{self.id}:{number}", each


def evolve(known: CountedLimit | None, recorded: Recorded) -> CountedLimit:
    """Return the count after `recorded`. Raises CorruptHistory."""
    match recorded.event:
        case UsageCounted() as event:
            earlier = known.counted if known is not None and event.goes_on else ()
            return CountedLimit(
                id=event.meter,
                version=recorded.version,
                position=recorded.position,
                counted=(*earlier, *event.counted),
            )
        case _:
            raise CorruptHistory(known, recorded.event)
