"""What a card says of the request: who, what, how risky, by which rule, who has to say yes."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from bot.drawing.patience_lines import escalated_rows, reminded_rows
from bot.drawing.wording import Row, ballot, fell_away, slack_of
from bot.slack.fitting import Cut, cut
from bot.slack.pieces import Block, moment, name, person, words
from ledger.events.events import ApprovalRequested, ApprovalTerm
from ledger.lives.approvals import Approval, ApprovalStatus
from policies.people.people import Directory
from policies.values.inert import hostile, inert

_NAME = 200


@dataclass(frozen=True)
class Room:
    """How much a card says beside the call itself: counts of lines, and weights of texts."""

    rules: int
    votes: int
    teams: int
    label: int
    because: int
    reason: int


AMPLE = Room(rules=4, votes=5, teams=9, label=100, because=200, reason=240)
"""What fits beside nearly every call."""

SCANT = Room(rules=1, votes=1, teams=1, label=45, because=60, reason=0)
"""What fits beside any call."""


@dataclass(frozen=True)
class Facts:
    """The lines, and how many characters of the call's own names are in them and are not."""

    rows: tuple[Row, ...]
    shown: int
    hidden: int


def facts(approval: Approval, directory: Directory, room: Room = AMPLE) -> Facts:
    """Return the facts of a card in the order in which an approver needs them.

    `room` limits what is said beside the call; the call's own names never depend on it.
    """
    request = approval.request
    cuts = [cut(inert(text), _NAME) for text in _names(request)]
    rows = [
        [_label("Agent"), name(request.agent, _NAME), *_of_team(request, room)],
        *_on_behalf(request, directory),
        [_label("Tool"), name(request.server, _NAME), words(" / "), name(request.tool, _NAME)],
        [_label("Risk"), words(request.risk.upper(), bold=True), *_said(request.evidence, room)],
        *_rules(request, room),
        *_strange_keys(request),
        *_repeats(request),
        *_warnings(request),
        *_needs(approval, room),
        *_expires(approval),
        *_asked(approval),
        *_votes(approval, room),
        *_undelivered(approval, room),
    ]
    return Facts(tuple(rows), sum(c.shown for c in cuts), sum(c.hidden for c in cuts))


def _names(request: ApprovalRequested) -> Iterable[str]:
    yield from (request.agent, request.server, request.tool)
    if request.on_behalf_of:
        yield request.on_behalf_of
    if request.meta_keys:
        yield ", ".join(request.meta_keys)


def _label(text: str) -> Block:
    return words(f"{text}  ", bold=True)


def _said(text: str, room: Room) -> Row:
    return [words(": "), {"type": "text", "text": _short(text, room.because)}] if text else []


def _short(text: str, limit: int) -> str:
    shown: Cut = cut(inert(text), limit)
    return shown.text or "(empty)"


def _of_team(request: ApprovalRequested, room: Room) -> Row:
    team, owner = name(request.agent_team, room.label), name(request.owner, room.label)
    return [words(" of team "), team, words(", owner "), owner]


def _on_behalf(request: ApprovalRequested, directory: Directory) -> list[Row]:
    if not request.on_behalf_of:
        return []
    shown = person(request.on_behalf_of, slack_of(request.on_behalf_of, directory))
    return [[_label("On behalf of"), name(request.on_behalf_of, _NAME), words(" "), *shown]]


def _rules(request: ApprovalRequested, room: Room) -> list[Row]:
    rows = [
        [_label("Rule"), name(rule.rule, room.label), *_because(rule.because, room)]
        for rule in request.rules[: room.rules]
    ]
    more = len(request.rules) - room.rules
    if more > 0:
        rows.append([words(f"and {more} more rules, see Details")])
    rows.append([_label("Policy"), name(request.policy_digest[:16], 40)])
    return rows


def _because(text: str, room: Room) -> Row:
    return [{"type": "text", "text": f" ({_short(text, room.because)})"}] if text else []


def _strange_keys(request: ApprovalRequested) -> list[Row]:
    if not request.meta_keys:
        return []
    return [[_label("Unknown _meta keys"), name(", ".join(request.meta_keys), _NAME)]]


def _warnings(request: ApprovalRequested) -> list[Row]:
    """Return what in the call could mislead the eye, though all of it is shown inert."""
    findings = _findings(" ".join((*_names(request), request.arguments)))
    return [[_label("Careful"), words(f"the call holds {', '.join(findings)}")]] if findings else []


@lru_cache(maxsize=32)
def _findings(text: str) -> tuple[str, ...]:
    return tuple(hostile(text))


def _repeats(request: ApprovalRequested) -> list[Row]:
    """Warn of an identical call that may have run: a yes to this one may do it twice."""
    if not request.repeats:
        return []
    before = words("the identical call "), name(request.repeats, _NAME)
    return [[_label("May run twice"), *before, words(" was sent, and its outcome is unknown")]]


def _needs(approval: Approval, room: Room) -> list[Row]:
    if approval.status is not ApprovalStatus.PENDING:
        return []
    terms = approval.request.terms
    rows = [_need(approval, term, room) for term in terms[: room.teams]]
    if len(terms) > room.teams:
        rows.append([words(f"and from {len(terms) - room.teams} more teams, see Details")])
    if fell_away(approval):
        told = "an earlier yes counts no more, its voter may not decide now; one more is needed"
        rows.append([_label("Careful"), words(told)])
    if approval.request.reason_required:
        rows.append([words("Each approver has to give a reason.")])
    rows += escalated_rows(approval, room.label, room.teams)
    return rows


def _need(approval: Approval, term: ApprovalTerm, room: Room) -> Row:
    have = len(approval.yes_votes(term.team))
    plural = "approval" if term.approvals == 1 else "approvals"
    return [
        _label("Needs"),
        words(f"{term.approvals} {plural} from team "),
        name(term.team, room.label),
        words(f" ({have} of {term.approvals} so far)"),
    ]


def _expires(approval: Approval) -> list[Row]:
    if approval.status is not ApprovalStatus.PENDING:
        return []
    return [[_label("Expires"), moment(approval.expires_at)], *reminded_rows(approval)]


def _asked(approval: Approval) -> list[Row]:
    """Return how often the identical call was made; once is not worth saying."""
    times = len(approval.calls)
    return [[_label("Asked"), words(f"{times:,} times")]] if times > 1 else []


def _votes(approval: Approval, room: Room) -> list[Row]:
    """Return the newest votes that count; refused ones would let anybody repaint the card."""
    return [[_label("Vote"), *ballot(vote, room.reason)] for vote in approval.votes[-room.votes :]]


def _undelivered(approval: Approval, room: Room) -> list[Row]:
    if approval.status is not ApprovalStatus.PENDING:
        return []
    return [
        [
            _label("Not delivered"),
            words("to team "),
            name(team, room.label),
            words(" (" if " " in error else " (Slack says "),
            name(error, room.label),
            words("); trying again"),
        ]
        for team, error in sorted(approval.undeliverable.items())[: room.teams]
    ]
