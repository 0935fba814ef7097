"""The home tab: what waits for one person, and what is theirs. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from bot.drawing.cards import DENY, DETAILS
from bot.drawing.delegation_notices import stands as voting
from bot.drawing.freeze_notices import UNFREEZE, stands
from bot.drawing.glass import SIGN_OFF, glass_row
from bot.drawing.grant_notices import GIVE, REFUSE, RENEW, REVOKE, grant_row
from bot.drawing.wording import Row, duration, people
from bot.slack.pieces import Block, button, confirm, header, lines, moment, name, words
from ledger.lives.approvals import Approval
from ledger.lives.delegations import Delegation
from ledger.lives.freezes import Freeze
from ledger.lives.glasses import Glass
from ledger.lives.grant_requests import GrantRequest
from ledger.lives.grants import Grant
from policies.deciding.freezes import Frozen
from policies.people.people import Directory

LOOK = "home.look"
WITHDRAW = "home.withdraw"
FREEZE = "home.freeze"

_DELEGATIONS = 5
_WAITING, _REQUESTS, _GRANTS, _AGENTS, _OWN, _FREEZES, _GLASSES = 10, 4, 8, 6, 5, 4, 4
"""How many of each are shown; together with their titles they stay under 100 blocks."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class HomeFacts:
    """What one person's home tab shows; `news` is what came of the last press there.

    `agents` are those that the person owns, `own` their open approvals.
    """

    news: str = ""
    waiting: Sequence[Approval] = ()
    requests: Sequence[GrantRequest] = ()
    grants: Sequence[Grant] = ()
    agents: Sequence[str] = ()
    own: Sequence[Approval] = ()
    freezes: Sequence[Freeze] = ()
    glasses: Sequence[Glass] = ()
    delegations: Sequence[Delegation] = ()
    problem: str = field(default="", kw_only=True)


def home_view(facts: HomeFacts, directory: Directory) -> Block:
    """Return the home tab of one person.

    Source: https://docs.slack.dev/surfaces/app-home, views of 100 blocks at most.
    """
    return {"type": "home", "blocks": list(_blocks(facts, directory))}


def _blocks(facts: HomeFacts, directory: Directory) -> Iterator[Block]:
    if facts.news:
        yield lines([[words(facts.news, bold=True)]], "news")
    if facts.problem:
        yield lines([[words(facts.problem)]], "problem")
        return

    def waits(approval: Approval) -> list[Block]:
        return _waits(approval, directory)

    def asked(request: GrantRequest) -> list[Block]:
        return _asked(request, directory)

    def frozen(freeze: Freeze) -> list[Block]:
        return _frozen(freeze, directory)

    def broken(glass: Glass) -> list[Block]:
        return _broken(glass, directory)

    yield from _section("Waiting for you", facts.waiting, _WAITING, waits, "Nothing waits for you.")
    if facts.delegations:
        rows = [voting(each) for each in facts.delegations[:_DELEGATIONS]]
        yield lines(rows, "delegations")
    yield from _section("Grants that are asked of you", facts.requests, _REQUESTS, asked)
    yield from _section("Grants you gave", facts.grants, _GRANTS, _granted, "None is in force.")
    yield from _agents(facts)
    yield from _section("Frozen", facts.freezes, _FREEZES, frozen)
    yield from _section("Broken glasses to look at", facts.glasses, _GLASSES, broken)


def _section(
    title: str,
    items: Sequence[_T],
    most: int,
    drawn: Callable[[_T], list[Block]],
    nothing: str = "",
) -> Iterator[Block]:
    """Yield a title and its items; how many are left out is said."""
    if not items and not nothing:
        return
    yield header(title, f"title:{title}")
    if not items:
        yield lines([[words(nothing)]], f"none:{title}")
    for item in items[:most]:
        yield from drawn(item)
    if len(items) > most:
        told = f"{len(items) - most} more, which commands name; see /placet help."
        yield lines([[words(told)]], f"more:{title}")


def _agents(facts: HomeFacts) -> Iterator[Block]:
    frozen = {freeze.name for freeze in facts.freezes if freeze.over is Frozen.AGENT}
    stopped = any(freeze.over is Frozen.EVERYTHING for freeze in facts.freezes)
    stands = " is stopped: everything is frozen." if stopped else ": its calls go by the policy."

    def agent(who: str) -> list[Block]:
        row: Row = [name(who, 120), words(" is frozen." if who in frozen else stands)]
        freeze = button("Freeze", FREEZE, who, style="danger")
        freeze["confirm"] = confirm(
            "Freeze this agent?", "No call of it runs until a second person lifts it.", "Freeze"
        )
        made = [lines([row], f"agent:{who}"[:255])]
        return made if who in frozen else [*made, _actions(f"own:{who}"[:255], [freeze])]

    def own(approval: Approval) -> list[Block]:
        take_back = button("Withdraw", WITHDRAW, approval.id)
        row: Row = [name(approval.request.agent, 80), words(" waits to call "), _call(approval)]
        row += [words(", until "), moment(approval.expires_at)]
        mark = f"{approval.id}:{approval.position}"
        buttons = [take_back, button("Details", DETAILS, approval.id)]
        return [lines([row], f"mine:{mark}"), _actions(f"minedo:{mark}", buttons)]

    yield from _section("Your agents", facts.agents, _AGENTS, agent)
    yield from _section("Your agents wait for", facts.own, _OWN, own)


def _waits(approval: Approval, directory: Directory) -> list[Block]:
    request, mark = approval.request, f"{approval.id}:{approval.position}"
    row: Row = [name(request.agent, 80), words(" wants "), _call(approval)]
    more: Row = [words(f"Risk: {request.risk}. Expires "), moment(approval.expires_at)]
    if approval.votes:
        voted = tuple(vote.person for vote in approval.votes if vote.approves)
        more += [words(". Approved so far by "), *people(voted[:5], directory)]
    look = button("Look and approve…", LOOK, approval.id, style="primary")
    deny = button("Deny…", DENY, approval.id, style="danger")
    buttons = [look, deny, button("Details", DETAILS, approval.id)]
    return [lines([row, more], f"wait:{mark}"), _actions(f"waitdo:{mark}", buttons)]


def _asked(request: GrantRequest, directory: Directory) -> list[Block]:
    row: Row = [*people((request.by,), directory), words(" asks for "), name(request.agent, 80)]
    row += [words(" to call "), name(request.target, 100)]
    row.append(words(f" for {duration(request.lasting)}"))
    if request.when:
        row += [words(", where "), name(request.when, 200)]
    if request.reason:
        row += [words(": "), name(request.reason, 200)]
    give = button("Grant", GIVE, request.id, style="primary")
    refuse = button("Refuse", REFUSE, request.id, style="danger")
    return [lines([row], f"ask:{request.id}"), _actions(f"askdo:{request.id}", [give, refuse])]


def _granted(grant: Grant) -> list[Block]:
    revoke = button("Revoke", REVOKE, grant.id, style="danger")
    buttons = [button("Renew", RENEW, grant.id), revoke]
    row: Row = [name(grant.id, 60), words("  "), *grant_row(grant)]
    return [lines([row], f"grant:{grant.id}"), _actions(f"grantdo:{grant.id}", buttons)]


def _frozen(freeze: Freeze, directory: Directory) -> list[Block]:
    row = stands(freeze, directory)
    row += [words(" Reason: "), name(freeze.reason, 200)] if freeze.reason else []
    lift = button("Unfreeze", UNFREEZE, freeze.id)
    return [lines([row], f"freeze:{freeze.id}"), _actions(f"freezedo:{freeze.id}", [lift])]


def _broken(glass: Glass, directory: Directory) -> list[Block]:
    row: Row = [*glass_row(glass, directory), words(": "), name(glass.reason, 200)]
    sign = button("Sign off…", SIGN_OFF, glass.approval)
    return [lines([row], f"glass:{glass.id}"), _actions(f"glassdo:{glass.id}", [sign])]


def _call(approval: Approval) -> Block:
    return name(f"{approval.request.server} / {approval.request.tool}", 200)


def _actions(block_id: str, elements: list[Block]) -> Block:
    return {"type": "actions", "block_id": block_id, "elements": elements}
