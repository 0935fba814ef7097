"""The kinds of things that events make, and which of them an event changes."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeAlias

from ledger.events.delegation_events import DelegationGiven
from ledger.events.envelopes import Event, Model, Recorded
from ledger.events.events import (
    ApprovalDispatched,
    ApprovalRequested,
    CallCompleted,
    CallContinued,
    CallDecided,
    OutcomeUnknown,
)
from ledger.events.freeze_events import FreezeBegun
from ledger.events.glass_events import BreakGlassUsed
from ledger.events.grant_request_events import GrantRequested
from ledger.events.notice_events import NoticePosted
from ledger.events.review_events import ReviewPosted
from ledger.events.standing_events import AgentAdded, GrantIssued
from ledger.lives import (
    agents,
    approvals,
    calls,
    counted_limits,
    delegations,
    freezes,
    glasses,
    grant_requests,
    grants,
    notices,
    policy_in_force,
    reviews,
    servers,
    tools,
)
from ledger.lives.agents import LedgerAgent
from ledger.lives.approvals import Approval
from ledger.lives.calls import CallRecord
from ledger.lives.counted_limits import CountedLimit
from ledger.lives.delegations import Delegation
from ledger.lives.freezes import Freeze
from ledger.lives.glasses import Glass
from ledger.lives.grant_requests import GrantRequest
from ledger.lives.grants import Grant
from ledger.lives.notices import Notice
from ledger.lives.policy_in_force import PolicyInForce
from ledger.lives.reviews import Review
from ledger.lives.servers import KnownServer
from ledger.lives.tools import SeenTool

Kept: TypeAlias = (
    Approval
    | Grant
    | CallRecord
    | LedgerAgent
    | SeenTool
    | PolicyInForce
    | Review
    | KnownServer
    | Freeze
    | Notice
    | Glass
    | GrantRequest
    | CountedLimit
    | Delegation
)

KINDS: dict[str, type[Kept]] = {
    "approval": Approval,
    "grant": Grant,
    "call": CallRecord,
    "agent": LedgerAgent,
    "tool": SeenTool,
    "policy": PolicyInForce,
    "review": Review,
    "server": KnownServer,
    "freeze": Freeze,
    "notice": Notice,
    "glass": Glass,
    "request": GrantRequest,
    "meter": CountedLimit,
    "delegation": Delegation,
}
"""The models that projections keep, by the prefix of their streams."""

_EVOLVE: dict[str, Callable[..., Kept]] = {
    "approval": approvals.evolve,
    "grant": grants.evolve,
    "call": calls.evolve,
    "agent": agents.evolve,
    "tool": tools.evolve,
    "policy": policy_in_force.evolve,
    "review": reviews.evolve,
    "server": servers.evolve,
    "freeze": freezes.evolve,
    "notice": notices.evolve,
    "glass": glasses.evolve,
    "request": grant_requests.evolve,
    "meter": counted_limits.evolve,
    "delegation": delegations.evolve,
}

OPENING = frozenset(
    {
        AgentAdded,
        ApprovalRequested,
        BreakGlassUsed,
        CallDecided,
        DelegationGiven,
        FreezeBegun,
        GrantIssued,
        GrantRequested,
        NoticePosted,
        ReviewPosted,
    }
)
"""Events that are always the first of their stream."""


@lru_cache(maxsize=64)
def kind_of(stream: str) -> tuple[str, str]:
    """Return the kind and id that a stream's name says; a stream of no kind keeps no model."""
    if stream == policy_in_force.STREAM:
        return "policy", policy_in_force.STREAM
    kind, _, name = stream.partition("-")
    return (kind, name) if kind in KINDS else ("", name)


def fold(kind: str, model: Model | None, recorded: Recorded) -> Kept:
    """Return the model of a kind after an event. Raises CorruptHistory."""
    return _EVOLVE[kind](model, recorded)


_ALSO: Mapping[type[Event], str] = {
    CallCompleted: "approval",
    OutcomeUnknown: "approval",
    ApprovalDispatched: "call",
    CallContinued: "call",
}
"""The kind of model that an event changes beside that of its stream; it names it so."""


def concerned(recorded: Recorded) -> list[tuple[str, str]]:
    """Return kind and id of every model that an event changes."""
    event = recorded.event
    own = kind_of(recorded.stream)
    found = [own] if own[0] else []
    kind = _ALSO.get(type(event))
    if kind is not None:
        other = getattr(event, kind)
        if other is not None:
            found.append((kind, other))
    return found
