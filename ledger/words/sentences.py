"""Says each event in one line of plain words."""

from collections.abc import Callable
from typing import Any

from ledger.events.envelopes import Event
from ledger.events.events import (
    ApprovalCancelled,
    ApprovalDenied,
    ApprovalDispatched,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalJoined,
    ApprovalLapsed,
    ApprovalRequested,
    ApprovalVoided,
    CallCompleted,
    CallContinued,
    CallDecided,
    OutcomeUnknown,
)
from ledger.events.redaction_events import EventRedacted
from ledger.events.review_events import (
    ReviewFound,
    ReviewGone,
    ReviewPosted,
    ReviewRepainted,
    ReviewViewed,
)
from ledger.events.standing_events import (
    AgentAdded,
    AgentKeyRotated,
    AgentRevoked,
    GrantExpired,
    GrantIssued,
    GrantRefused,
    GrantRevoked,
    GrantUsed,
    InstructionsAccepted,
    InstructionsSeen,
    PolicyActivated,
    ProjectionsMended,
    ToolAcceptanceRefused,
    ToolAccepted,
    ToolGone,
    ToolSeen,
    ToolsPinned,
)
from ledger.events.usage_events import UsageCounted
from ledger.words.card_sentences import CARD_SENTENCES
from ledger.words.people_sentences import OF_PEOPLE
from ledger.words.phrases import SHORT, because, clock, named, quoted, several, terms_told
from ledger.words.policy_words import activation_words


def sentence(event: Event) -> str:
    """Return what happened, on one line; free text in quotes, long text cut and counted.

    What people, agents and servers wrote is in there as they wrote it: make
    the line inert before it reaches a terminal.
    """
    return _SENTENCES[type(event)](event)


def _decided(event: CallDecided) -> str:
    by = several(tuple(rule.rule for rule in event.rules))
    onto = f", for {named(event.on_behalf_of)}" if event.on_behalf_of else ""
    said = f"{event.call}: {named(event.agent)}{onto} calls {_tool(event)}: {event.effect} by {by}"
    if event.grant:
        said += f", under {event.grant}"
    elif event.approval:
        said += f", waits for {event.approval}"
    return f"{said}; the server only observes, so it runs" if event.observed else said


def _tool(event: CallDecided | ApprovalRequested) -> str:
    return named(f"{event.server}/{event.tool}")


def _completed(event: CallCompleted) -> str:
    said = f"{event.call}: {named(event.outcome)} after {event.duration_ms} ms, {event.size} bytes"
    return said + because(event.error)


def _requested(event: ApprovalRequested) -> str:
    terms = " and ".join(f"{term.approvals} of {named(term.team)}" for term in event.terms)
    return (
        f"{event.approval}: may {named(event.agent)} call {_tool(event)}? "
        f"asks {terms} until {clock(event.expires_at)}"
    )


def _issued(event: GrantIssued) -> str:
    uses = "" if event.uses is None else f", {event.uses} uses"
    exactly = f", with exactly the arguments of {event.given_with}" if event.digest else ""
    return (
        f"{event.grant}: {named(event.by)} lets {named(event.agent)} use {named(event.target)} "
        f"until {clock(event.until)}{uses}{exactly}{terms_told(event)}" + because(event.reason)
    )


def _ungranted(event: GrantRefused) -> str:
    return (
        f"{named(event.person)} was refused about a grant of {named(event.target)} "
        f"for {named(event.agent)} ({named(event.because)})" + because(event.message)
    )


def _rotated(event: AgentKeyRotated) -> str:
    if event.previous_until is None:
        return f"{named(event.agent)}: has another key; the one before it is no longer good"
    until = clock(event.previous_until)
    return f"{named(event.agent)}: has another key; the one before it is good until {until}"


def _seen(event: ToolSeen) -> str:
    said = f"{named(f'{event.server}/{event.tool}')}: definition {named(event.hash[:12])}"
    if event.previous_hash:
        said += f", was {named(event.previous_hash[:12])}"
    if event.accepted:
        return said if event.previous_hash else f"{said}, trusted at first sight"
    what = f" ({', '.join(event.changed)})" if event.changed else ""
    return f"{said}, not accepted{what}"


_SENTENCES: dict[type[Event], Callable[[Any], str]] = {
    **OF_PEOPLE,
    **CARD_SENTENCES,
    CallDecided: _decided,
    CallCompleted: _completed,
    OutcomeUnknown: lambda e: (
        f"{e.call}: nobody said how it ended (it was with {named(e.instance)}); it may have run"
    ),
    ApprovalRequested: _requested,
    ApprovalJoined: lambda e: f"{e.approval}: identical {e.call} waits on it too",
    ApprovalGiven: lambda e: (
        f"{e.approval}: approved by {several(e.by)}, to be used until {clock(e.use_until)}"
        + (f", with {e.granted.grant}" if e.granted else "")
    ),
    ApprovalDenied: lambda e: (
        f"{e.approval}: denied by {named(e.by)}"
        + (f", who suggests {quoted(e.suggested, SHORT)}" if e.suggested else "")
        + because(e.reason)
    ),
    ApprovalExpired: lambda e: f"{e.approval}: expired, nobody decided in time",
    ApprovalCancelled: lambda e: f"{e.approval}: cancelled" + because(e.because),
    ApprovalDispatched: lambda e: f"{e.approval}: used by {e.call} on {named(e.instance)}",
    CallContinued: lambda e: (
        f"{e.approval}: {e.call} brings the server what it asked for, round {e.round}"
    ),
    ApprovalLapsed: lambda e: f"{e.approval}: lapsed, not used in time",
    ApprovalVoided: lambda e: f"{e.approval}: void" + because(e.because),
    GrantIssued: _issued,
    GrantRefused: _ungranted,
    GrantUsed: lambda e: (
        f"{e.grant}: used by {e.call}" + (f", for {e.amount}" if e.amount is not None else "")
    ),
    GrantRevoked: lambda e: f"{e.grant}: revoked by {named(e.by)}" + because(e.reason),
    GrantExpired: lambda e: f"{e.grant}: ended",
    PolicyActivated: activation_words,
    UsageCounted: lambda e: (
        f"limit {named(e.limit)}: {e.calls} earlier calls count"
        + (f", of {e.unclear} it cannot be told how much" if e.unclear else "")
    ),
    ToolSeen: _seen,
    ToolAccepted: lambda e: f"{named(f'{e.server}/{e.tool}')}: accepted by {named(e.by)}",
    ToolAcceptanceRefused: lambda e: (
        f"{named(e.person)} may not accept tools of {named(e.server)}: {quoted(e.message, SHORT)}"
    ),
    ReviewPosted: lambda e: (
        f"{e.review}: {len(e.tools)} tools of {named(e.server)} wait to be accepted,"
        f" card for {named(e.team)} in {named(e.channel)}"
    ),
    ReviewRepainted: lambda e: f"{e.review}: card painted anew{', closed' if e.closed else ''}",
    ReviewViewed: lambda e: f"{e.review}: {named(e.person)} read page {e.page} of {e.pages}",
    ReviewFound: lambda e: f"{e.review}: a copy of the card is in {named(e.channel)}",
    ReviewGone: lambda e: f"{e.review}: the card is not in {named(e.channel)} any more",
    ToolsPinned: lambda e: f"{named(e.server)}: lists no tools at first sight",
    InstructionsSeen: lambda e: (
        f"{named(e.server)}: tells models {quoted(e.text, SHORT)}"
        if e.previous_hash is None
        else f"{named(e.server)}: tells models something else now: {quoted(e.text, SHORT)}"
    ),
    InstructionsAccepted: lambda e: (
        f"{named(e.server)}: what it tells models is accepted by {named(e.by)}"
    ),
    EventRedacted: lambda e: (
        f"#{e.redacted} {named(e.event)}: {several(e.fields)} redacted" + because(e.because)
    ),
    ToolGone: lambda e: f"{named(f'{e.server}/{e.tool}')}: no longer listed",
    AgentAdded: lambda e: f"{named(e.agent)}: of {named(e.team)}, owned by {named(e.owner)}",
    AgentKeyRotated: _rotated,
    AgentRevoked: lambda e: f"{named(e.agent)}: revoked" + because(e.because),
    ProjectionsMended: lambda e: (
        "kept rows were not what the events make, and were replaced: "
        + ", ".join(f"{count} of kind {named(kind)}" for kind, count in e.rows.items())
    ),
}
