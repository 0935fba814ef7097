"""Tells what held when a call was decided, in lines for people."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from ledger.audit.details import arguments, evidence_lines, rule_line
from ledger.audit.explaining import PaintedBlocks, PolicyKept, Then
from ledger.audit.findings import Finding, why_not
from ledger.events.card_events import VoteCast, VoteRefused
from ledger.events.envelopes import Event, Recorded
from ledger.events.events import ApprovalDenied, ApprovalDispatched, ApprovalGiven
from ledger.events.standing_events import ToolAccepted
from ledger.lives.grants import Grant
from ledger.words.card_blocks import card_lines
from ledger.words.phrases import clock, named, quoted, several
from ledger.words.sentences import sentence
from ledger.words.tabulating import labelled
from policies.past.recomputing import Recomputed
from policies.rules.decisions import Assessment, Effect
from policies.rules.policy_lines import lines_at

_NOT_IN_THE_POLICY = "not in the policy: it is about the tool, the server or the size of the call"

_NOW = {
    Effect.ALLOW: "would be allowed",
    Effect.REQUIRE_APPROVAL: "would wait for approval",
    Effect.DENY: "would be denied",
}

_LABELS: Mapping[type[Event], str] = {
    VoteCast: "vote",
    VoteRefused: "does not count",
    ApprovalGiven: "decided",
    ApprovalDenied: "decided",
    ApprovalDispatched: "used",
}


@dataclass(frozen=True)
class Explanation:
    """What held then, whether the decision follows, and what the policy of now says."""

    then: Then
    finding: Finding
    now: Recomputed | None

    @property
    def flaws(self) -> list[str]:
        """What is kept and is not what its hash is of."""
        return [
            f"the blocks kept of {named(card.event.channel)} at {named(card.event.ts)}, revision"
            f" {card.event.revision}, have another SHA-256 than was recorded"
            for card in self.then.cards
            if not card.is_whole
        ]


def explained(explanation: Explanation) -> Iterator[str]:
    """Yield the explanation; make each line inert before it reaches a terminal."""
    then = explanation.then
    yield f"call {named(then.decided.call)} at {clock(then.recorded.at)}, #{then.recorded.position}"
    yield sentence(then.decided)
    for title, part in (
        ("the call as it is kept", _call(then)),
        ("the policy of then", _policy(then)),
        ("the tool as it was defined then", _tool(then)),
        ("the agent's grants of then", _grants(explanation)),
        ("the people of then", _people(then)),
        ("what they saw", _cards(then)),
        ("computed anew", _anew(explanation)),
        ("the policy in force now", _now(explanation)),
    ):
        yield ""
        yield title
        yield from part


def _call(then: Then) -> Iterator[str]:
    decided = then.decided
    agent = f"{named(decided.agent)} of team {named(decided.agent_team)}"
    yield from labelled("agent", [f"{agent}, owned by {named(decided.owner)}"])
    if decided.on_behalf_of:
        yield from labelled("on behalf of", [named(decided.on_behalf_of)])
    yield from labelled("arguments", arguments(decided.arguments))
    if decided.hidden:
        yield from labelled("hidden", [f"{decided.hidden} values, bound by the keyed digest"])
    yield from labelled("risk", [f"{decided.risk}: {quoted(decided.evidence)}"])


def _policy(then: Then) -> Iterator[str]:
    policy = then.policy
    if policy is None:
        yield from labelled("policy", ["none was in force"])
        return
    yield from labelled("policy", _activation(policy))
    for rule in then.decided.rules:
        yield from labelled("rule", [rule_line(rule)])
        yield from labelled("", _text_of(policy, rule.pointer))


def _activation(policy: PolicyKept) -> list[str]:
    whole = ", redacted since" if policy.recorded.redacted else ""
    whole = whole if policy.is_whole else ", BUT THE TEXT THAT IS KEPT HAS ANOTHER SHA-256"
    source = named(policy.activated.source)
    since = f"in force since {clock(policy.recorded.at)}, #{policy.recorded.position}"
    return [f"{named(policy.activated.digest)} ({source}, {since}){whole}"]


def _text_of(policy: PolicyKept, pointer: str) -> list[str]:
    if not pointer:
        return [_NOT_IN_THE_POLICY]
    found = lines_at(policy.activated.text, pointer)
    if found is None:
        return ["its text does not write it: it is what holds where nothing is written"]
    return [f"{number:>4} | {line}" for number, line in enumerate(found.lines, found.first)]


def _tool(then: Then) -> Iterator[str]:
    digest = then.decided.definition_hash
    if not digest or then.tool.seen is None:
        yield from labelled("definition", ["none: the server did not list this tool"])
        return
    seen = then.tool.seen
    whole = sha256(then.tool.definition.encode()).hexdigest() == digest
    kept = "as kept below" if whole else "of the definition with its secrets; kept without"
    yield from labelled("definition", [f"SHA-256 {named(digest)}, {kept}"])
    yield from labelled("first seen", [f"{clock(seen.at)}, #{seen.position}"])
    yield from labelled("accepted", [_accepted(then)])
    yield from labelled("it says", arguments(then.tool.definition))


def _accepted(then: Then) -> str:
    recorded = then.tool.accepted
    if recorded is None:
        return "by nobody"
    place = f"{clock(recorded.at)}, #{recorded.position}"
    if isinstance(recorded.event, ToolAccepted):
        return f"by {named(recorded.event.by)} at {place}"
    return f"when it was seen at {place}: as the first of its server, or known before"


def _grants(explanation: Explanation) -> Iterator[str]:
    then = explanation.then
    if not then.grants:
        yield from labelled("grants", ["none"])
    for grant in then.grants:
        yield from labelled("grant", [_grant(grant), _use(grant, explanation)])


def _grant(grant: Grant) -> str:
    uses = "any number of times" if grant.uses is None else f"{grant.uses} times"
    return (
        f"{grant.id}: {named(grant.target)} until {clock(grant.until)}, {uses}, used {grant.used};"
        f" given by {named(grant.by)} for {several(grant.teams)}"
    )


def _use(grant: Grant, explanation: Explanation) -> str:
    if grant.id == explanation.then.decided.grant:
        return "it was used"
    why = why_not(grant, explanation.then, explanation.finding.recomputed)
    unknown = "whether its giver still counted then is not in the ledger"
    return f"it was not used: {why or unknown}"


def _people(then: Then) -> Iterator[str]:
    approval = then.approval
    if approval is None:
        yield from labelled("asked", ["nobody"])
        return
    terms = [f"{term.approvals} of team {named(term.team)}" for term in approval.request.terms]
    yield from labelled("asked", terms)
    yield from labelled("in", [f"{approval.id}: {approval.status}"])
    apart = [approval.request.owner, approval.request.on_behalf_of]
    yield from labelled("never", [several(tuple(name for name in apart if name))])
    for recorded in then.story:
        label = _LABELS.get(type(recorded.event))
        if label is not None:
            yield from labelled(label, list(_said_by(recorded)))


def _said_by(recorded: Recorded) -> Iterator[str]:
    event = recorded.event
    yield f"{clock(recorded.at)}: {sentence(event)}"
    match event:
        case VoteCast() | VoteRefused():
            yield from evidence_lines(event.evidence, recorded)
            if isinstance(event, VoteCast) and event.giver_evidence:
                yield from evidence_lines(event.giver_evidence, recorded)
        case ApprovalGiven():
            for confirmed in event.confirmed:
                yield from evidence_lines(confirmed, recorded)
        case ApprovalDispatched():
            yield f"checked again under policy {named(event.policy_digest)}"
        case _:
            pass


def _cards(then: Then) -> Iterator[str]:
    if not then.cards:
        yield from labelled("card", ["none"])
    for card in then.cards:
        yield from labelled("card", [_card(card)])
        yield from labelled("", [f"| {line}" for line in card_lines(card.event.blocks)])


def _card(card: PaintedBlocks) -> str:
    event = card.event
    proof = "redacted since" if card.recorded.redacted else "as kept"
    proof = proof if card.is_whole else "BUT THE BLOCKS THAT ARE KEPT HAVE ANOTHER"
    place = f"{named(event.channel)} at {named(event.ts)}, revision {event.revision}"
    return f"{place}, SHA-256 {named(event.sha256)}, {proof}"


def _anew(explanation: Explanation) -> Iterator[str]:
    finding = explanation.finding
    yield from labelled("the decision", [finding.answer, *finding.because, *explanation.flaws])
    if finding.recomputed is not None:
        yield from _said(finding.recomputed.certain)


def _now(explanation: Explanation) -> Iterator[str]:
    newest, now = explanation.then.newest, explanation.now
    if newest is None or now is None:
        yield from labelled("the same call", ["cannot be told"])
        return
    yield from labelled("policy", _activation(newest))
    answers = " or ".join(_NOW[effect] for effect in sorted(now.effects))
    yield from labelled("the same call", [answers, *_doubts(now)])
    yield from _said(now.certain)


def _doubts(recomputed: Recomputed) -> Iterator[str]:
    for doubt in recomputed.doubts:
        yield f"rule {named(doubt.rule.name)} cannot be recomputed: {doubt.because}"


def _said(assessment: Assessment) -> Iterator[str]:
    for each in assessment.spoke:
        rule = f"{named(each.pointer)} {named(each.rule)}: {each.effect}, {quoted(each.because)}"
        yield from labelled("covers", [rule])
