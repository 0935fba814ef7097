"""Reads what an approver may want to know beside a request: its policy, and past decisions."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from ledger.events.events import ApprovalRequested
from ledger.events.standing_events import PolicyActivated
from ledger.lives.approvals import Approval
from ledger.lives.policy_in_force import STREAM
from ledger.lives.tools import SeenTool
from ledger.storage.mapper import RecordMapper
from ledger.storage.projections import find_model, read_models, storable
from ledger.storage.tables import EVENT, PROJECTIONS

NEWEST = 2_000
"""Requests that are looked through for like ones, the newest first."""

_EACH = 8
_POLICIES = 100


@dataclass(frozen=True)
class Background:
    """What stands behind a request.

    `tool` is the tool as it was seen last. `policy` is the text that it was
    decided by, None where that is not kept.
    `own` are the newest requests of the same agent for the same tool, `others`
    those of other agents for it, the newest first, eight of each at most.
    """

    tool: SeenTool | None = None
    policy: str | None = None
    own: tuple[Approval, ...] = ()
    others: tuple[Approval, ...] = ()


def background(connection: Connection, request: ApprovalRequested) -> Background:
    """Return what stands behind a request."""
    return Background(
        tool=_tool(connection, request),
        policy=_policy(connection, request.policy_digest),
        own=_alike(connection, request, own=True),
        others=_alike(connection, request, own=False),
    )


def _tool(connection: Connection, request: ApprovalRequested) -> SeenTool | None:
    name = storable(f"{request.server}/{request.tool}")
    found = find_model(connection, "tool", str(name))
    return found if isinstance(found, SeenTool) else None


def _policy(connection: Connection, digest: str) -> str | None:
    """Return the text of the policy with this digest, of the 100 that came into force last."""
    mapper = RecordMapper()
    query = (
        select(EVENT.c.type, EVENT.c.state)
        .where(EVENT.c.stream == STREAM, EVENT.c.type == PolicyActivated.TOPIC)
        .order_by(EVENT.c.version.desc())
        .limit(_POLICIES)
    )
    for topic, state in connection.execute(query):
        event = mapper.event(topic, bytes(state))
        if isinstance(event, PolicyActivated) and event.digest == digest:
            return event.text
    return None


def _alike(
    connection: Connection, request: ApprovalRequested, *, own: bool
) -> tuple[Approval, ...]:
    """Return the newest requests for the same tool, of the same agent or of others."""
    table = PROJECTIONS["approval"]
    newest = select(table).order_by(table.c.requested_at.desc()).limit(NEWEST).subquery()
    agent = storable(request.agent)
    who = newest.c.agent == agent if own else newest.c.agent != agent
    query = (
        select(newest.c.state)
        .where(
            newest.c.server == request.server,
            newest.c.tool == storable(request.tool),
            newest.c.id != request.approval,
            who,
        )
        .order_by(newest.c.requested_at.desc())
        .limit(_EACH)
    )
    found = read_models(connection, "approval", query)
    return tuple(each for each in found if isinstance(each, Approval))
