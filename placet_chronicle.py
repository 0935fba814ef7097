"""Tells the log what the ledger records of approvals, grants, policies, tools and agents."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence

from gateway.sparing import Sparing
from ledger.events.card_events import CardPosted, CardRepainted, CardUndeliverable, DetailsViewed
from ledger.events.envelopes import Event, Recorded
from ledger.events.events import ApprovalJoined, CallCompleted, CallDecided, OutcomeUnknown
from ledger.events.freeze_events import FreezeBegun, FreezeEnded
from ledger.events.standing_events import GrantUsed
from ledger.ledger import Ledger
from ledger.words.sentences import sentence

_LOG = logging.getLogger("placet.ledger")

_MOST = 50
_WITHIN = 10.0

_LEVELS: Mapping[type[Event], int] = {
    ApprovalJoined: logging.DEBUG,
    CallCompleted: logging.DEBUG,
    CallDecided: logging.DEBUG,
    CardPosted: logging.DEBUG,
    CardRepainted: logging.DEBUG,
    CardUndeliverable: logging.WARNING,
    DetailsViewed: logging.DEBUG,
    FreezeBegun: logging.WARNING,
    FreezeEnded: logging.WARNING,
    GrantUsed: logging.DEBUG,
    OutcomeUnknown: logging.WARNING,
}
"""How loud an event is, where that is not `info`."""

_FIELDS = (
    *(
        "approval",
        "call",
        "grant",
        "freeze",
        "delegation",
        "agent",
        "server",
        "tool",
        "team",
        "person",
        "by",
        "owner",
    ),
    *("outcome", "duration_ms", "expires_at", "until", "because", "digest"),
)
"""Members of events that a line names; the reasons that people write are in the sentence."""


def tell_of(ledger: Ledger) -> Callable[[], None]:
    """Tell of what this process records, and of what is done in a shell beside it.

    Of one kind of event 50 are told in ten seconds. Returns what ends it.
    """
    sparing = Sparing(_MOST, _WITHIN, time.monotonic)

    def own(events: Sequence[Recorded]) -> None:
        for recorded in events:
            _tell(recorded, sparing)

    def others(events: Sequence[Recorded]) -> None:
        own([recorded for recorded in events if recorded.actor.startswith("shell:")])

    leave_own = ledger.observe(own, plain_calls=False, own_only=True)
    leave_others = ledger.observe(others, plain_calls=False)

    def leave() -> None:
        leave_own()
        leave_others()

    return leave


def _tell(recorded: Recorded, sparing: Sparing) -> None:
    event = recorded.event
    level = _LEVELS.get(type(event), logging.INFO)
    if not _LOG.isEnabledFor(level):
        return
    more = sparing.passes(event.TOPIC)
    if more is None:
        return
    found = {name: getattr(event, name, None) for name in _FIELDS}
    fields = {name: value for name, value in found.items() if value is not None}
    fields |= {"event": event.TOPIC, "position": recorded.position, "actor": recorded.actor}
    _LOG.log(level, "%s", sentence(event), extra=fields | ({"more": more} if more else {}))
