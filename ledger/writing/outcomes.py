"""What becomes of the commands of a batch."""

from dataclasses import dataclass
from typing import TypeAlias

from ledger.events.envelopes import Recorded
from ledger.storage.appending import Placed
from policies.values.refusals import Refused

Outcome: TypeAlias = tuple[Recorded, ...] | Exception
"""What became of a command: its events, or why there are none."""


@dataclass(frozen=True)
class Settled:
    """The outcomes of a batch, in its order; what was recorded for it, and as its rows have it.

    `at` is its time, microseconds since 1970 UTC.
    """

    outcomes: list[Outcome]
    recorded: list[Recorded]
    placed: list[Placed]
    at: int


def is_idle(outcome: Outcome) -> bool:
    """Tell whether a command caused nothing now: it may have when it was first sent."""
    return not outcome or isinstance(outcome, Refused)
