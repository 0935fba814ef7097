"""Builds the state of any moment from position 0, and checks each event's leaf hash on the way."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Connection, RowMapping, select

from ledger.clock import moment
from ledger.deciding.state import State
from ledger.lives.agents import LedgerAgent
from ledger.lives.approvals import Approval
from ledger.lives.grants import Grant
from ledger.lives.policy_in_force import PolicyInForce
from ledger.readings.moments import head
from ledger.replaying.attic import Attic
from ledger.replaying.redaction_proof import check_redactions
from ledger.replaying.walking import UNREADABLE, Flaws, check_leaf, check_order, pages
from ledger.storage.mapper import RecordMapper
from ledger.storage.recorder import record
from ledger.storage.tables import EVENT
from policies.people.people import Directory


@dataclass(frozen=True)
class Replayed:
    """The state after `position`, whose event was recorded at `at`; `head` is the last position.

    `approvals` are those that were open, `grants` those that were live.
    """

    position: int
    at: datetime | None
    head: int
    approvals: tuple[Approval, ...]
    statuses: Mapping[str, int]
    grants: tuple[Grant, ...]
    agents: tuple[LedgerAgent, ...]
    policy: PolicyInForce | None
    flaws: Flaws


def replay(
    connection: Connection,
    until: int,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Replayed:
    """Return the state that the events up to position `until` make.

    `connection` sees one moment of the ledger. `progress` is told the position
    reached and the last one wanted. An event that cannot be read, or cannot
    follow what came before, is a flaw and is left out.
    """
    flaws = Flaws()
    last = min(until, head(connection))
    with Attic() as attic:
        state = State(Directory(), attic.fetch)
        mapper = RecordMapper()
        for done, page in pages(connection, 0, last):
            check_order(done, page, flaws)
            check_redactions(connection, page, flaws)
            for row in page:
                _fold(row, state, mapper, flaws)
            attic.keep(state.touched())
            state.settle_down()
            progress(min(done + len(page), last), last)
        if state.position < last:
            flaws.add(last, f"the head says {last}, but the history ends at {state.position}")
        return _gathered(state, attic, flaws, head(connection))


def _fold(row: RowMapping, state: State, mapper: RecordMapper, flaws: Flaws) -> None:
    position = row["position"]
    check_leaf(row, flaws)
    try:
        state.apply(mapper.to_domain_event(record(row)))
    except UNREADABLE as error:
        kind = type(error).__name__
        flaws.add(position, f"it cannot be read or cannot follow what came before ({kind})")
        state.position = position


def _gathered(state: State, attic: Attic, flaws: Flaws, last: int) -> Replayed:
    return Replayed(
        position=state.position,
        at=state.at if state.position else None,
        head=last,
        approvals=tuple(cast("Iterator[Approval]", attic.all("approval", only_open=True))),
        statuses=dict(sorted(attic.statuses("approval").items())),
        grants=tuple(cast("Iterator[Grant]", attic.all("grant", only_open=True))),
        agents=tuple(cast("Iterator[LedgerAgent]", attic.all("agent"))),
        policy=state.policy(),
        flaws=flaws,
    )


def at_position(connection: Connection, position: int) -> datetime | None:
    """Return when the event at a position was recorded, None where there is none."""
    at = connection.execute(select(EVENT.c.at).where(EVENT.c.position == position)).scalar()
    return None if at is None else moment(at)
