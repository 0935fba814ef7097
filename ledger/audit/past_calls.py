"""Reads the calls that were decided, in bulk, with what was in force beside the policy."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Connection, select

from ledger.clock import moment
from ledger.events.envelopes import Event, Recorded
from ledger.events.events import ApprovalDispatched, CallDecided
from ledger.events.standing_events import GrantIssued, GrantRevoked, ToolSeen
from ledger.storage.mapper import RecordMapper
from ledger.storage.recorder import COLUMNS, record
from ledger.storage.tables import EVENT
from policies.past.past_calls import PastCall, PastRun
from policies.rules.decisions import Effect

PAGE = 5_000
"""Events that are read in one transaction."""

Fact: TypeAlias = PastCall | PastRun | Recorded
"""A call that was decided, one that ran by an approval, or what happened to a grant in between."""

_GRANTS: tuple[type[Event], ...] = (GrantIssued, GrantRevoked)
_CALL_COLUMNS = (EVENT.c.position, EVENT.c.type, EVENT.c.state, EVENT.c.at, EVENT.c.code)
_EFFECTS: Mapping[str, Effect] = {effect.value: effect for effect in Effect}


@dataclass(frozen=True)
class Page:
    """A stretch of the history; `last` is the position up to which it was read."""

    facts: tuple[Fact, ...]
    last: int


def page(connection: Connection, after: int, until: int) -> Page:
    """Return what was decided, ran by an approval, or happened to grants, behind a position."""
    topics = [CallDecided.TOPIC, ApprovalDispatched.TOPIC, *(event.TOPIC for event in _GRANTS)]
    last = min(after + PAGE, until)
    query = (
        select(*_CALL_COLUMNS)
        .where(EVENT.c.position > after, EVENT.c.position <= last, EVENT.c.type.in_(topics))
        .order_by(EVENT.c.position)
    )
    mapper = RecordMapper()
    facts: list[Fact] = []
    for position, topic, state, at, code in connection.execute(query):
        if topic == CallDecided.TOPIC:
            facts.append(_decided(mapper.raw(topic, state), at, redacted=code is not None))
        elif topic == ApprovalDispatched.TOPIC:
            facts.append(PastRun(mapper.raw(topic, state)["call"], moment(at)))
        else:
            facts.append(_whole(connection, position, mapper))
    return Page(tuple(facts), last)


def grants_before(connection: Connection, position: int) -> tuple[Recorded, ...]:
    """Return the events of grants up to a position that say who may what, in order."""
    return tuple(_events(connection, position, _GRANTS))


def definitions_before(connection: Connection, position: int) -> Mapping[tuple[str, str, str], str]:
    """Return every definition that tools had up to a position, by server, tool and hash."""
    return {
        (event.server, event.tool, event.hash): event.definition
        for recorded in _events(connection, position, (ToolSeen,))
        if isinstance(event := recorded.event, ToolSeen)
    }


def _events(
    connection: Connection, position: int, kinds: tuple[type[Event], ...]
) -> Iterator[Recorded]:
    topics = [kind.TOPIC for kind in kinds]
    query = select(*COLUMNS).where(EVENT.c.position <= position, EVENT.c.type.in_(topics))
    mapper = RecordMapper()
    for row in connection.execute(query.order_by(EVENT.c.position)).mappings():
        yield mapper.to_domain_event(record(row))


def _whole(connection: Connection, position: int, mapper: RecordMapper) -> Recorded:
    row = connection.execute(select(*COLUMNS).where(EVENT.c.position == position)).mappings().one()
    return mapper.to_domain_event(record(row))


def _decided(raw: Mapping[str, Any], at: int, *, redacted: bool) -> PastCall:
    rules = [(each["rule"], each["effect"]) for each in raw["rules"] if not each["pointer"]]
    return PastCall(  # by place: half the time of names, and there are many
        raw["call"],
        moment(at),
        raw["agent"],
        raw.get("agent_team", ""),
        raw.get("owner", ""),
        raw["on_behalf_of"],
        raw["server"],
        raw["tool"],
        raw["definition_hash"],
        raw["arguments"],
        raw["hidden"],
        redacted,
        _EFFECTS[raw["effect"]],
        tuple([(rule, _EFFECTS[effect]) for rule, effect in rules]) if rules else (),
        raw["risk"],
        raw["evidence"],
        raw["digest"],
        raw.get("observed", False),
    )
