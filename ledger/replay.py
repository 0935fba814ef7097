"""Builds the state of any moment from position 0, and checks each event's leaf hash on the way."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from eventsourcing.persistence import MapperDeserialisationError
from sqlalchemy import Connection, RowMapping, select

from ledger.agents import LedgerAgent
from ledger.approvals import Approval, CorruptHistory
from ledger.attic import Attic
from ledger.clock import moment
from ledger.entries import Header, entry, leaf_hash
from ledger.grants import Grant
from ledger.mapper import RecordMapper
from ledger.moments import head
from ledger.policy_in_force import PolicyInForce
from ledger.recorder import COLUMNS, record
from ledger.state import State
from ledger.tables import EVENT
from policies.people import Directory

_PAGE = 1_000

_FLAWS = 100
"""How many flaws are kept; the others are counted."""


@dataclass(frozen=True)
class Flaw:
    """What is wrong with the event at a position, in words."""

    position: int
    what: str


@dataclass
class Flaws:
    """The first flaws that were found, and how many there are."""

    first: list[Flaw] = field(default_factory=list)
    count: int = 0

    def add(self, position: int, what: str) -> None:
        """Note a flaw."""
        self.count += 1
        if len(self.first) < _FLAWS:
            self.first.append(Flaw(position, what))


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
        for done, page in _pages(connection, last):
            _check_order(done, page, flaws)
            for row in page:
                _fold(row, state, mapper, flaws)
            attic.keep(state.touched())
            state.settle_down()
            progress(min(done + len(page), last), last)
        if state.position < last:
            flaws.add(last, f"the head says {last}, but the history ends at {state.position}")
        return _gathered(state, attic, flaws, head(connection))


def _pages(connection: Connection, last: int) -> Iterator[tuple[int, list[RowMapping]]]:
    """Yield pages of rows in order, each with the position before it."""
    columns = (*COLUMNS, EVENT.c.command_ordinal, EVENT.c.salt, EVENT.c.leaf_hash)
    done = 0
    while done < last:
        query = select(*columns).where(EVENT.c.position > done, EVENT.c.position <= last)
        page = list(connection.execute(query.order_by(EVENT.c.position).limit(_PAGE)).mappings())
        if not page:
            return
        yield done, page
        done = page[-1]["position"]


def _check_order(before: int, page: list[RowMapping], flaws: Flaws) -> None:
    for row in page:
        position = row["position"]
        if position != before + 1:
            flaws.add(position, f"{position - before - 1} positions before it are missing")
        before = position


UNREADABLE = (
    MapperDeserialisationError,
    CorruptHistory,
    AttributeError,
    OverflowError,
    TypeError,
    ValueError,
)
"""What a row raises that somebody has changed: SQLite takes a value of any kind anywhere."""


def _fold(row: RowMapping, state: State, mapper: RecordMapper, flaws: Flaws) -> None:
    position = row["position"]
    try:
        right = computed_leaf(row) == bytes(row["leaf_hash"])
    except UNREADABLE:
        right = False
    if not right:
        flaws.add(position, "its leaf hash is not that of its content")
    try:
        state.apply(mapper.to_domain_event(record(row)))
    except UNREADABLE as error:
        kind = type(error).__name__
        flaws.add(position, f"it cannot be read or cannot follow what came before ({kind})")
        state.position = position


def computed_leaf(row: RowMapping) -> bytes:
    """Return the leaf hash of a whole row of the history, computed anew."""
    header = Header(
        position=row["position"],
        stream=row["stream"],
        version=row["version"],
        type=row["type"],
        at=row["at"],
        actor=row["actor"],
        command_id=row["command_id"],
        command_ordinal=row["command_ordinal"],
        correlation_id=row["correlation_id"],
        causation_id=row["causation_id"],
    )
    return leaf_hash(entry(header, bytes(row["salt"]), bytes(row["state"])))


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
