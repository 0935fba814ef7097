"""Says in a line each what people put in force beside votes and grants: freezes and the like."""

from collections.abc import Callable, Mapping
from typing import Any

from ledger.events.delegation_events import DelegationEnded, DelegationGiven
from ledger.events.envelopes import Event
from ledger.events.freeze_events import FreezeBegun, FreezeEnded, FreezeRefused
from ledger.events.glass_events import BreakGlassRefused, BreakGlassReviewed, BreakGlassUsed
from ledger.events.grant_request_events import (
    GrantRequestAnswered,
    GrantRequested,
    GrantRequestExpired,
)
from ledger.events.notice_events import NoticePosted, NoticeRepainted
from ledger.events.refusals import CommandRefused
from ledger.words.phrases import because, clock, named, several


def _frozen(event: FreezeBegun) -> str:
    until = f"until {clock(event.until)}" if event.until else "until somebody else lifts it"
    what = _subject(event)
    return f"{event.freeze}: {named(event.by)} froze {what} {until}" + because(event.reason)


def _subject(event: FreezeBegun | FreezeRefused) -> str:
    return f"{event.over} {named(event.name)}" if event.name else "everything"


def _thawed(event: FreezeEnded) -> str:
    if event.by is None:
        return f"{event.freeze}: its time is over"
    return f"{event.freeze}: lifted by {named(event.by)}" + because(event.reason)


OF_PEOPLE: Mapping[type[Event], Callable[[Any], str]] = {
    FreezeBegun: _frozen,
    FreezeEnded: _thawed,
    FreezeRefused: lambda e: (
        f"{named(e.person)} may not {'lift the freeze of' if e.freeze else 'freeze'} {_subject(e)}"
        f" ({named(e.because)})" + because(e.message)
    ),
    DelegationGiven: lambda e: (
        f"{e.delegation}: {named(e.giver)} lets {named(e.delegate)} vote for them, for"
        f" {several(e.teams)} until {clock(e.until)}" + because(e.reason)
    ),
    DelegationEnded: lambda e: (
        f"{e.delegation}: taken back by {named(e.by)}"
        if e.by
        else f"{e.delegation}: its time is over"
    ),
    BreakGlassUsed: lambda e: (
        f"{e.approval}: {named(e.by)} breaks the glass, past {several(e.skipped)}"
        + because(e.reason)
    ),
    BreakGlassReviewed: lambda e: (
        f"{e.approval}: the broken glass is signed off by {named(e.by)}" + because(e.note)
    ),
    BreakGlassRefused: lambda e: (
        f"{e.approval}: {named(e.person)} may not"
        f" {'sign it off' if e.signing else 'break the glass'} ({named(e.because)})"
        + because(e.message)
    ),
    GrantRequested: lambda e: (
        f"{e.request}: {named(e.by)} asks {several(e.teams)} to let {named(e.agent)} use"
        f" {named(e.target)} for {e.lasting_seconds} s" + because(e.reason)
    ),
    GrantRequestAnswered: lambda e: (
        f"{e.request}: {named(e.by)} {f'gives {e.grant}' if e.grant else 'says no'}"
        + because(e.reason)
    ),
    GrantRequestExpired: lambda e: f"{e.request}: expired, nobody answered in time",
    CommandRefused: lambda e: (
        f"{named(e.person)} was refused {named(e.asked)}" + because(e.message)
    ),
    NoticePosted: lambda e: (
        f"{e.notice}: {named(e.team)} is told of {named(e.about)} in {named(e.channel)}"
    ),
    NoticeRepainted: lambda e: f"{e.notice}: painted anew{', closed' if e.closed else ''}",
}
"""By event, what happened, on one line."""
