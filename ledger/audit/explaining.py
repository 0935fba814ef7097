"""Gathers from the events what held when a call was decided, whatever has changed since."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection, select

from ledger.audit.past_usage import usage_before
from ledger.events.card_events import CardPosted, CardRepainted, VoteCast
from ledger.events.envelopes import Recorded
from ledger.events.events import CallDecided
from ledger.events.standing_events import PolicyActivated, ToolAccepted, ToolSeen
from ledger.lives import grants, tools
from ledger.lives.approvals import Approval
from ledger.lives.grants import Grant
from ledger.lives.policy_in_force import STREAM
from ledger.lives.tools import SeenTool
from ledger.storage.history import History
from ledger.storage.mapper import RecordMapper
from ledger.storage.projections import find_model
from ledger.storage.tables import PROJECTIONS
from policies.deciding.exceeding import NOTHING_USED
from policies.rules.decisions import Usage
from policies.rules.policy import Policy, compile_policy
from policies.values.problems import InvalidDocument
from policies.values.refusals import Refused


@dataclass(frozen=True)
class PolicyKept:
    """A policy as the ledger keeps it; `compiled` is None where this Placet cannot read it."""

    recorded: Recorded
    activated: PolicyActivated
    compiled: Policy | None

    @property
    def is_whole(self) -> bool:
        """Whether the text is the one that the digest is of, or was redacted since."""
        kept = sha256(self.activated.text.encode()).hexdigest()
        return self.recorded.redacted or kept == self.activated.digest


@dataclass(frozen=True)
class ToolKept:
    """The definition that was called: when it was first seen, and what made it accepted."""

    state: SeenTool | None
    seen: Recorded | None
    accepted: Recorded | None

    @property
    def definition(self) -> str:
        """The definition as it is kept, without secrets; empty where there is none."""
        event = self.seen.event if self.seen else None
        return event.definition if isinstance(event, ToolSeen) else ""


@dataclass(frozen=True)
class PaintedBlocks:
    """A card as it stood in a channel, with its blocks."""

    recorded: Recorded
    event: CardPosted | CardRepainted

    @property
    def is_whole(self) -> bool:
        """Whether the blocks that are kept are those that were posted, or were redacted since."""
        kept = sha256(self.event.blocks.encode(errors="surrogatepass")).hexdigest()
        return self.recorded.redacted or kept == self.event.sha256


@dataclass(frozen=True)
class Then:
    """What held when a call was decided.

    `policy` was in force then, `newest` is now. `grants` are the agent's that
    were given before and had not ended. `story` are the events of the approval.
    `cards` are those that votes name, or the first one where nobody voted.
    `usage` is what was taken of limits.
    """

    recorded: Recorded
    decided: CallDecided
    policy: PolicyKept | None
    newest: PolicyKept | None
    tool: ToolKept
    grants: tuple[Grant, ...]
    approval: Approval | None
    story: tuple[Recorded, ...]
    cards: tuple[PaintedBlocks, ...]
    usage: Usage


def then(connection: Connection, name: str) -> Then:
    """Return what held when the call of this id was decided. Raises Refused."""
    history = History(RecordMapper())
    found = history.after(connection, 0, stream=f"call-{name}", limit=1)
    if not found or not isinstance(found[0].event, CallDecided):
        raise Refused(f"nothing is kept of how call `{name}` was decided")
    recorded, decided = found[0], found[0].event
    approval = find_model(connection, "approval", decided.approval) if decided.approval else None
    assert approval is None or isinstance(approval, Approval), "a kind has one model"
    story: list[Recorded] = []
    if decided.approval:
        story = history.after(connection, 0, stream=f"approval-{decided.approval}")
    policies = history.after(connection, 0, stream=STREAM)
    policy = _policy(before(policies, recorded.position))
    return Then(
        recorded=recorded,
        decided=decided,
        policy=policy,
        newest=_policy(policies),
        tool=_tool(connection, history, recorded, decided),
        grants=_grants(connection, history, recorded, decided),
        approval=approval,
        story=tuple(story),
        cards=tuple(_cards(story)),
        usage=_usage(connection, history, recorded, policy),
    )


def _usage(
    connection: Connection, history: History, recorded: Recorded, policy: PolicyKept | None
) -> Usage:
    compiled = policy.compiled if policy is not None else None
    if compiled is None or not compiled.limits:
        return NOTHING_USED
    longest = max(limit.within for limit in compiled.limits)
    return usage_before(connection, history, recorded.position, recorded.at, longest)


def before(events: Iterable[Recorded], position: int) -> list[Recorded]:
    """Return those of `events` that came before a position."""
    return [recorded for recorded in events if recorded.position < position]


def _policy(activations: list[Recorded]) -> PolicyKept | None:
    for recorded in reversed(activations):
        if isinstance(recorded.event, PolicyActivated):
            return PolicyKept(recorded, recorded.event, _compiled(recorded.event))
    return None


def _compiled(activated: PolicyActivated) -> Policy | None:
    try:
        return compile_policy(activated.text, file=activated.source)
    except InvalidDocument:
        return None


def _tool(
    connection: Connection, history: History, recorded: Recorded, decided: CallDecided
) -> ToolKept:
    stream = f"tool-{decided.server}/{decided.tool}"
    known = before(history.after(connection, 0, stream=stream), recorded.position)
    state: SeenTool | None = None
    for each in known:
        state = tools.evolve(state, each)
    same = [each for each in known if getattr(each.event, "hash", None) == decided.definition_hash]
    accepted = [each for each in same if _accepts(each)]
    seen = next((each for each in same if isinstance(each.event, ToolSeen)), None)
    return ToolKept(state, seen, accepted[-1] if accepted else None)


def _accepts(recorded: Recorded) -> bool:
    match recorded.event:
        case ToolAccepted():
            return True
        case ToolSeen(accepted=accepted):
            return accepted
        case _:
            return False


def _grants(
    connection: Connection, history: History, recorded: Recorded, decided: CallDecided
) -> tuple[Grant, ...]:
    """Return the agent's grants as they stood; the table only says which there ever were."""
    table = PROJECTIONS["grant"]
    query = select(table.c.id).where(table.c.agent == decided.agent).order_by(table.c.id)
    names = {str(name) for (name,) in connection.execute(query)}
    found = []
    for name in sorted(names | ({decided.grant} if decided.grant else set())):
        grant: Grant | None = None
        events = history.after(connection, 0, stream=f"grant-{name}")
        for each in before(events, recorded.position):
            grant = grants.evolve(grant, each)
        if grant is not None and grant.open:
            found.append(grant)
    return tuple(found)


def _cards(story: Iterable[Recorded]) -> Iterator[PaintedBlocks]:
    painted: dict[tuple[str, str, int], PaintedBlocks] = {}
    clicked: dict[tuple[str, str, int], None] = {}
    for recorded in story:
        event = recorded.event
        match event:
            case CardPosted() | CardRepainted():
                painted[event.channel, event.ts, event.revision] = PaintedBlocks(recorded, event)
            case VoteCast():
                clicked[event.channel, event.ts, event.revision] = None
            case _:
                pass
    shown = [painted[place] for place in clicked if place in painted]
    yield from shown or [*painted.values()][:1]
