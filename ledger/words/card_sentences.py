"""Says what happens at a card, and to a question that waits, in one line of plain words."""

from collections.abc import Callable, Mapping
from typing import Any

from ledger.events.card_events import (
    CardFound,
    CardPosted,
    CardRepainted,
    CardUndeliverable,
    CardWanted,
    DetailsViewed,
    VoteCast,
    VoteRefused,
)
from ledger.events.envelopes import Event
from ledger.events.patience_events import (
    ApprovalEscalated,
    ApprovalExtended,
    ApprovalReminded,
    StepRefused,
)
from ledger.words.phrases import because, clock, named, several


def _posted(event: CardPosted) -> str:
    where = f"{named(event.channel)} at {named(event.ts)}"
    shown = "whole" if event.whole else "in part"
    return (
        f"{event.approval}: card for {named(event.team)} in {where}, "
        f"revision {event.revision}, shows the call {shown}"
    )


def _cast(event: VoteCast) -> str:
    vote = "approves" if event.approves else "denies"
    stead = f", in the stead of {named(event.giver)}," if event.giver else ""
    who = f"{named(event.person)}{stead}"
    return f"{event.approval}: {who} {vote} for {several(event.teams)}" + because(event.reason)


def _refused(event: VoteRefused) -> str:
    vote = "yes" if event.approves else "no"
    return (
        f"{event.approval}: the {vote} of {named(event.person)} does not count "
        f"({named(event.because)})" + because(event.message)
    )


CARD_SENTENCES: Mapping[type[Event], Callable[[Any], str]] = {
    CardPosted: _posted,
    CardRepainted: lambda e: (
        f"{e.approval}: card in {named(e.channel)} at {named(e.ts)} painted anew, "
        f"revision {e.revision}"
    ),
    CardFound: lambda e: (
        f"{e.approval}: an unrecorded card was found in {named(e.channel)} at {named(e.ts)}"
    ),
    CardUndeliverable: lambda e: (
        f"{e.approval}: {named(e.channel)} of {named(e.team)} does not take the card"
        + because(e.error)
    ),
    CardWanted: lambda e: f"{e.approval}: {named(e.person)} wants a card for it alone",
    DetailsViewed: lambda e: (
        f"{e.approval}: {named(e.person)} opened page {e.page} of {e.pages} of the details"
    ),
    VoteCast: _cast,
    VoteRefused: _refused,
    ApprovalReminded: lambda e: (
        f"{e.approval}: {named(e.team)} is reminded, for the {e.number}. time"
    ),
    ApprovalEscalated: lambda e: (
        f"{e.approval}: {named(e.team)} did not decide, {named(e.to)} may now in its place"
    ),
    ApprovalExtended: lambda e: (
        f"{e.approval}: {named(e.by)} gives it more time, until {clock(e.until)}"
    ),
    StepRefused: lambda e: (
        f"{e.approval}: {named(e.person)} may not {named(e.step)} it ({named(e.because)})"
        + because(e.message)
    ),
}
"""What says an event of a card, or of a question that waits, by its class."""
