"""Says of each event what an auditor asks next: who, by which rule, on which card and proof."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ledger.events.card_events import (
    CardPosted,
    CardRepainted,
    VoteCast,
    VoteRefused,
)
from ledger.events.delegation_events import DelegationGiven
from ledger.events.envelopes import Event, Recorded
from ledger.events.events import (
    ApprovalDispatched,
    ApprovalGiven,
    ApprovalRequested,
    CallCompleted,
    CallContinued,
    CallDecided,
    SpokenRule,
)
from ledger.events.evidence import Evidence
from ledger.events.freeze_events import FreezeBegun, FreezeEnded, FreezeRefused
from ledger.events.glass_events import BreakGlassRefused, BreakGlassReviewed, BreakGlassUsed
from ledger.events.grant_request_events import GrantRequestAnswered, GrantRequested
from ledger.events.standing_events import (
    GrantIssued,
    PolicyActivated,
    ToolSeen,
)
from ledger.words.phrases import SHORT, clock, named, quoted
from policies.values.strict_json import NotStrict, parse, pretty

Row: TypeAlias = Sequence[str]
"""The lines of one labelled detail."""


@dataclass
class Seen:
    """What the story told so far, and what explains it.

    `policies` and `tools` are events of those kinds; `cards` says that the
    blocks of cards are wanted too.
    """

    policies: Sequence[Recorded] = ()
    tools: Sequence[Recorded] = ()
    cards: bool = False
    calls: dict[tuple[str, str], CallDecided] = field(default_factory=dict)
    painted: dict[tuple[str, str, int], str] = field(default_factory=dict)


def rows(recorded: Recorded, seen: Seen) -> Iterator[tuple[str, Row]]:
    """Yield label and lines of every detail of an event, remembering what was told in `seen`."""
    told = _ROWS.get(type(recorded.event))
    if told is not None:
        yield from told(recorded.event, recorded, seen)
    for name in ("reason", "because", "message", "error"):
        text = getattr(recorded.event, name, None)
        if text and len(text) > SHORT:
            yield f"{name} in full", [quoted(text)]


def _decided(event: CallDecided, recorded: Recorded, seen: Seen) -> Iterator[tuple[str, Row]]:
    yield from _who(event)
    before = seen.calls.setdefault((event.digest, event.definition_hash), event)
    if before is event:
        yield from _what(event, seen)
    else:
        yield "same as", [f"{before.call}: same tool, definition, arguments and digest"]
    yield from _why(event, recorded, seen)
    yield "held by", [named(event.instance)]


def _who(event: CallDecided | ApprovalRequested) -> Iterator[tuple[str, Row]]:
    of = f" of team {named(event.agent_team)}" if event.agent_team else ""
    owner = f", owned by {named(event.owner)}" if event.owner else ""
    yield "agent", [f"{named(event.agent)}{of}{owner}"]
    if event.on_behalf_of:
        yield "on behalf of", [named(event.on_behalf_of)]


def _what(event: CallDecided, seen: Seen) -> Iterator[tuple[str, Row]]:
    first = next(
        (
            f" (first seen {clock(known.at)}, #{known.position})"
            for known in seen.tools
            if isinstance(known.event, ToolSeen) and known.event.hash == event.definition_hash
        ),
        "",
    )
    yield "tool", [named(f"{event.server}/{event.tool}")]
    if event.definition_hash:
        yield "definition", [f"SHA-256 {named(event.definition_hash)}{first}"]
    else:
        yield "definition", ["none: the server does not list this tool"]
    yield "arguments", arguments(event.arguments)
    if event.hidden:
        yield "hidden", [f"{event.hidden} values hidden, bound by the keyed digest"]
    if event.meta_keys:
        yield "_meta keys", [", ".join(named(key) for key in event.meta_keys)]
    yield "digest", [named(event.digest)]


def _why(event: CallDecided, recorded: Recorded, seen: Seen) -> Iterator[tuple[str, Row]]:
    yield "policy", [policy(event.policy_digest, recorded.position, seen)]
    yield "rules", [rule_line(rule) for rule in event.rules] or ["none"]
    if event.message and len(event.message) <= SHORT:
        yield "message", [quoted(event.message)]
    yield "risk", [f"{event.risk}: {quoted(event.evidence)}"]
    if event.grant:
        yield "grant", [event.grant]
    if event.observed:
        yield "observed", ["the server only observes: whatever was decided, the call runs"]


def policy(digest: str, position: int, seen: Seen) -> str:
    """Return a policy's digest, and since when it was in force at `position`, where known."""
    activations = [
        known
        for known in seen.policies
        if isinstance(known.event, PolicyActivated)
        and known.event.digest == digest
        and known.position <= position
    ]
    if not activations:
        return named(digest)
    newest = activations[-1]
    assert isinstance(newest.event, PolicyActivated), "only those were looked at"
    source = named(newest.event.source)
    return f"{named(digest)} ({source}, in force since {clock(newest.at)}, #{newest.position})"


def rule_line(rule: SpokenRule) -> str:
    """Return a rule that spoke: its JSON Pointer, name, effect and why it covered the call."""
    return f"{named(rule.pointer)} {named(rule.rule)}: {rule.effect}, {quoted(rule.because)}"


def arguments(text: str) -> Row:
    """Return canonical JSON in lines for people, or as it is where it is not JSON."""
    try:
        return pretty(parse(text.encode())).split("\n")
    except (NotStrict, UnicodeEncodeError):
        return [quoted(text)]


def _requested(event: ApprovalRequested, _: Recorded, __: Seen) -> Iterator[tuple[str, Row]]:
    yield from _who(event)
    yield "tool says", [quoted(event.description)]
    yield "asks", [f"{term.approvals} of team {named(term.team)}" for term in event.terms]
    if event.reason_required:
        yield "reason", ["a yes has to give one"]
    yield "expires", [clock(event.expires_at)]
    yield "then use", [f"within {event.use_within_seconds} s of the decision"]
    yield "result", ["is shown in Slack" if event.show_result else "is not shown in Slack"]
    yield "bound to", [f"digest {named(event.digest)}"]
    if event.repeats:
        yield "repeats", [f"{event.repeats}, of which nobody knows whether it ran"]


def _painted(
    event: CardPosted | CardRepainted, recorded: Recorded, seen: Seen
) -> Iterator[tuple[str, Row]]:
    if recorded.redacted:
        yield "card", ["redacted"]
        return
    seen.painted[event.channel, event.ts, event.revision] = event.sha256
    right = hashlib.sha256(event.blocks.encode(errors="surrogatepass")).hexdigest() == event.sha256
    proof = "as kept" if right else "BUT THE BLOCKS THAT ARE KEPT HAVE ANOTHER"
    yield "card", [f"SHA-256 {named(event.sha256)}, {proof}"]
    if seen.cards:
        yield "blocks", arguments(event.blocks)


def _voted(
    event: VoteCast | VoteRefused, recorded: Recorded, seen: Seen
) -> Iterator[tuple[str, Row]]:
    sha256 = seen.painted.get((event.channel, event.ts, event.revision))
    which = f", SHA-256 {named(sha256)}" if sha256 else ""
    place = f"{named(event.channel)} at {named(event.ts)}, " if event.ts else ""
    yield "saw", [f"{place}revision {event.revision}{which}"]
    yield "evidence", list(evidence_lines(event.evidence, recorded))
    if isinstance(event, VoteCast) and event.delegation and event.giver_evidence:
        lines = [f"{named(event.giver or '')}, by {event.delegation}"]
        yield "in the stead of", [*lines, *evidence_lines(event.giver_evidence, recorded)]


def evidence_lines(evidence: Evidence, recorded: Recorded) -> Iterator[str]:
    """Yield what Slack said of a person, and how long before the event it was read."""
    age = (recorded.at - evidence.fetched_at).total_seconds()
    yield f"Slack id {named(evidence.slack)}, read {clock(evidence.fetched_at)}, {age:.3f} s before"
    if evidence.matched:
        yield f"known as {named(evidence.matched)} by the e-mail address of that account"
    facts = [fact for fact in ("deleted", "bot", "guest", "stranger") if getattr(evidence, fact)]
    if facts:
        yield "Slack says: " + ", ".join(facts)
    for known in evidence.memberships:
        inside = "in" if known.member else "not in"
        yield f"{inside} group {named(known.group)}, read {clock(known.fetched_at)}"
    for unread in (evidence.undetermined, evidence.groups_undetermined):
        if unread:
            yield f"Slack could not say: {quoted(unread)}"


def _given(event: ApprovalGiven, recorded: Recorded, _: Seen) -> Iterator[tuple[str, Row]]:
    confirmed = [
        line for evidence in event.confirmed for line in evidence_lines(evidence, recorded)
    ]
    if confirmed:
        yield "earlier votes", confirmed


def _dispatched(
    event: ApprovalDispatched, recorded: Recorded, seen: Seen
) -> Iterator[tuple[str, Row]]:
    yield "checked again", [f"policy {policy(event.policy_digest, recorded.position, seen)}"]
    if event.task:
        yield "task", [named(event.task)]


def _continued(event: CallContinued, recorded: Recorded, seen: Seen) -> Iterator[tuple[str, Row]]:
    yield "checked again", [f"policy {policy(event.policy_digest, recorded.position, seen)}"]
    yield "answers", arguments(event.answers) if event.answers else ["too large to be kept"]
    if event.hidden:
        yield "hidden", [f"{event.hidden} values hidden"]


def _completed(event: CallCompleted, _: Recorded, __: Seen) -> Iterator[tuple[str, Row]]:
    if event.content is not None:
        yield "content", [quoted(event.content)]


def _issued(event: GrantIssued, recorded: Recorded, _: Seen) -> Iterator[tuple[str, Row]]:
    yield "speaks for", [", ".join(named(team) for team in event.teams)]
    if event.evidence:
        yield "evidence", list(evidence_lines(event.evidence, recorded))


def _broken(event: BreakGlassUsed, recorded: Recorded, seen: Seen) -> Iterator[tuple[str, Row]]:
    yield "left out", [f"{term.approvals} of team {named(term.team)}" for term in event.missing]
    yield "saw", [f"{named(event.channel)} at {named(event.ts)}, revision {event.revision}"]
    yield from _by_evidence(event, recorded, seen)


_Evident: TypeAlias = (
    FreezeBegun
    | FreezeEnded
    | FreezeRefused
    | BreakGlassUsed
    | BreakGlassReviewed
    | GrantRequested
    | GrantRequestAnswered
    | BreakGlassRefused
)


def _delegated(event: DelegationGiven, recorded: Recorded, _: Seen) -> Iterator[tuple[str, Row]]:
    yield "giver", list(evidence_lines(event.evidence, recorded))
    yield "delegate", list(evidence_lines(event.delegate_evidence, recorded))


def _by_evidence(event: _Evident, recorded: Recorded, _: Seen) -> Iterator[tuple[str, Row]]:
    if event.evidence:
        yield "evidence", list(evidence_lines(event.evidence, recorded))


_Rows: TypeAlias = Callable[[Any, Recorded, Seen], Iterator[tuple[str, Row]]]

_ROWS: dict[type[Event], _Rows] = {
    CallDecided: _decided,
    CallCompleted: _completed,
    ApprovalRequested: _requested,
    ApprovalGiven: _given,
    ApprovalDispatched: _dispatched,
    CallContinued: _continued,
    CardPosted: _painted,
    CardRepainted: _painted,
    VoteCast: _voted,
    VoteRefused: _voted,
    GrantIssued: _issued,
    DelegationGiven: _delegated,
    FreezeBegun: _by_evidence,
    FreezeEnded: _by_evidence,
    FreezeRefused: _by_evidence,
    GrantRequested: _by_evidence,
    GrantRequestAnswered: _by_evidence,
    BreakGlassUsed: _broken,
    BreakGlassReviewed: _by_evidence,
    BreakGlassRefused: _by_evidence,
}
"""Events that are not named here are told in full by their sentence."""
