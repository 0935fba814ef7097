"""Settles a batch of commands under the head row, in one transaction."""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from eventsourcing.persistence import MapperDeserialisationError
from pydantic import ValidationError
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from ledger.clock import micros, moment
from ledger.deciding import deciding
from ledger.deciding.placing import check_fields, header, place
from ledger.deciding.state import State
from ledger.events.envelopes import Command, Draft, Recorded
from ledger.events.redaction_events import EventRedacted
from ledger.storage.appending import Appender, Head
from ledger.storage.databases import Database
from ledger.storage.history import History
from ledger.storage.mapper import RecordMapper
from ledger.storage.projections import write_projections
from ledger.storage.statements import Runner, runner
from ledger.unavailable import LedgerUnavailable
from ledger.writing.loading import loaded_state
from ledger.writing.objections import UNREADABLE, Objections
from ledger.writing.outcomes import Outcome, Settled, is_idle
from ledger.writing.own_connection import OwnConnection
from ledger.writing.redacted_rows import redactions, rewrite_rows, take_away
from ledger.writing.sealing import Sealer
from policies.conditions.amounts import NOTHING
from policies.people.people import Directory
from policies.values.refusals import Refused

_LOG = logging.getLogger(__name__)

_MOST_LAG = 2_000
"""Events that are applied one by one to catch up; behind more, the open models are read anew."""

_PAGE = 100
"""Events that are read at once: each takes 4 KB until it is applied."""

Decide: TypeAlias = Callable[[Command, State, datetime], list[Draft]]


@dataclass(frozen=True)
class Surroundings:
    """What a settler works with; `now` returns UTC and counts on SQLite, `monotonic` seconds.

    `reach` is called at the points where a test may kill the process.
    """

    database: Database
    mapper: RecordMapper
    directory: Directory
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    reach: Callable[[str], None]
    decide: Decide = deciding.decide


class Settler:
    """Decides commands one after the other and writes all that they cause at once.

    Used by one thread. It keeps its connection and the open models between
    batches; after any error both are to be dropped with `forget`.
    """

    def __init__(self, around: Surroundings) -> None:
        """Connect at the first batch."""
        self._around = around
        self._appender = Appender(postgres=around.database.postgres)
        self._history = History(around.mapper)
        self._sealer: Sealer | None = None
        self._own = OwnConnection(around.database)
        self._objections = Objections(around.database, around.now, around.monotonic)
        self._state: State | None = None

    def settle(
        self, commands: Sequence[Command], before_commit: Callable[[], None], *, look_first: bool
    ) -> Settled:
        """Settle `commands`; nothing of them is recorded where it raises.

        `look_first` reads what earlier sendings of the same commands caused
        before deciding. `before_commit` is called while no caller of these may
        hear yet, and the disk is waited for next. Raises LedgerUnavailable where
        the clocks have parted, and what the database raises.
        """
        with self._turn():
            return self._transact(commands, before_commit, look_first=look_first)

    def look(self) -> tuple[int, str | None]:
        """Return the newest position, and why nothing may be decided now; waits for no writer."""
        with self._around.database.reading.connect() as connection:
            head = self._appender.look_at_head(runner(connection), self._objections.newest)
        return head.position, self._objections.to(head, self._objections.now(head))

    @property
    def unshared(self) -> bool:
        """Whether no other process writes for long, so that a batch takes but a moment."""
        return not self._around.database.postgres

    def seal_with(self, sealer: Sealer) -> None:
        """Let this seal the history from now on; without one it is left to others."""
        self._sealer = sealer

    def seal(self, position: int) -> None:
        """Seal the events up to the head, where that is due for those up to `position`."""
        if self._sealer is None or not self._sealer.is_due(position):
            return
        run, _ = self._own.opened()
        with self._turn(), run.transaction():
            head = self._appender.take_head(run)
            self._sealer.seal(run, head.position, head.at)

    @property
    def unsealed(self) -> str | None:
        """Why the history is sealed no more, None as long as it is."""
        return None if self._sealer is None else self._sealer.problem

    def used(self, bucket: str) -> Decimal:
        """Return what was lately taken of a limit, or more; any thread may ask."""
        state = self._state
        return NOTHING if state is None else state.usage.glimpse(bucket)

    def forget(self) -> None:
        """Drop the open models; they are read anew."""
        self._state = None
        if self._sealer is not None:
            self._sealer.forget()

    def disconnect(self) -> None:
        """Drop the connection and the open models."""
        self.forget()
        self._own.drop()

    def start_over(self) -> None:
        """Drop the open models, and all connections that may be why the database takes nothing.

        One to PostgreSQL keeps what it was told as it began, such as that it may not write, or
        the server that was there then.
        """
        self.disconnect()
        if self._around.database.postgres:
            self._around.database.rest()

    def hang_up(self) -> None:
        """Have nobody in this process wait any longer for an answer of PostgreSQL."""
        self._around.database.lines.hang_up()

    def rest(self) -> None:
        """Keep nothing of what was asked, but the open models. Raises what the database raises."""
        self._own.renew()

    def is_mine(self, backend: int) -> bool:
        """Tell whether PostgreSQL's process `backend` serves this settler's connection."""
        return self._own.is_mine(backend)

    def _turn(self) -> AbstractContextManager[object]:
        """Return what waits for the other writers of this process, where there must be one."""
        database = self._around.database
        return nullcontext() if database.postgres else database.turn

    def _transact(
        self, commands: Sequence[Command], before_commit: Callable[[], None], *, look_first: bool
    ) -> Settled:
        run, connection = self._own.opened()
        with run.transaction() as transaction:
            head = self._appender.take_head(run, self._objections.newest)
            at = self._time(head)
            state = self._caught_up(connection, head)
            sent = [command.id for command in commands] if look_first else []
            known = self._history.of_commands(connection, sent) if sent else {}
            settled = self._decided(connection, commands, known, state, at)
            gone = redactions(settled.recorded)
            if settled.recorded:
                self._write(run, state, settled, gone)
                self._around.reach("before-commit")
                before_commit()
            else:
                transaction.rollback()
        if settled.recorded:
            self._objections.reached(settled.recorded[-1].position, settled.at)
            self._around.reach("after-commit")
        state.settle_down()
        if gone:
            self.forget()
        return settled

    def _time(self, head: Head) -> datetime:
        """Return the time of this batch: now, never earlier than the last event."""
        now = self._objections.now(head)
        objection = self._objections.to(head, now)
        if objection is not None:
            raise LedgerUnavailable(objection)
        return max(now, moment(head.at))

    def _caught_up(self, connection: Connection, head: Head) -> State:
        state = self._state
        if state is None or state.position < head.position:
            self._objections.learned(self._appender.look_at_head(runner(connection), 0))
        try:
            if state is None or head.position - state.position > _MOST_LAG:
                self._state = state = self._loaded(head)
            elif state.position < head.position:
                self._state = state = self._followed(connection, state, head)
        except (MapperDeserialisationError, ValidationError) as error:
            _LOG.exception(UNREADABLE)
            self._objections.unreadable = True
            raise LedgerUnavailable(UNREADABLE) from error
        assert state.position == head.position, "the head row counts every event"
        return state

    def _followed(self, connection: Connection, state: State, head: Head) -> State:
        """Return the state with what others recorded; read anew where they rewrote rows."""
        while state.position < head.position:
            lacking = self._history.after(connection, state.position, limit=_PAGE)
            if not lacking:
                break  # the caller sees that the head row counts more than there is
            if rewrite_rows(lacking):
                return self._loaded(head)
            for recorded in lacking:
                state.apply(recorded)
            state.settle_down()
        return state

    def _loaded(self, head: Head) -> State:
        return loaded_state(self._own.connection, self._history, self._around.directory, head)

    def _decided(
        self,
        connection: Connection,
        commands: Sequence[Command],
        known: dict[str, tuple[Recorded, ...]],
        state: State,
        at: datetime,
    ) -> Settled:
        settled = Settled([], [], [], micros(at))
        idle = False
        for command in commands:
            outcome = known.get(command.id) or self._decide(command, state, at, settled)
            if outcome and isinstance(outcome, tuple):
                known[command.id] = outcome
            elif is_idle(outcome):
                idle = True
            settled.outcomes.append(outcome)
        if idle:
            settled.outcomes[:] = self._resent(connection, commands, settled.outcomes)
        return settled

    def _decide(self, command: Command, state: State, at: datetime, settled: Settled) -> Outcome:
        """Decide a command, and place what it causes if all of it can be stored."""
        ready, around = [], self._around
        try:
            for draft in around.decide(command, state, at):
                story, stored = check_fields(draft, command), around.mapper.state(draft.event)
                ready.append((draft, story, stored))
        except SQLAlchemyError:
            raise  # what the state looked up was not there to be read: no command's fault
        except Refused as refusal:
            return refusal
        except Exception as bug:  # noqa: BLE001 (it is raised at whoever sent this command)
            return bug
        recorded = []
        for ordinal, (draft, story, stored) in enumerate(ready):
            each = place(draft, story, command, state, at)
            recorded.append(each)
            settled.placed.append((header(each, ordinal, settled.at), stored))
        settled.recorded.extend(recorded)
        return tuple(recorded)

    def _resent(
        self, connection: Connection, commands: Sequence[Command], outcomes: list[Outcome]
    ) -> list[Outcome]:
        """Give a command that caused nothing now the events that it caused when first sent."""
        pairs = zip(commands, outcomes, strict=True)
        idle = [command.id for command, outcome in pairs if is_idle(outcome)]
        earlier = self._history.of_commands(connection, idle)
        return [
            earlier.get(command.id, outcome) if is_idle(outcome) else outcome
            for command, outcome in zip(commands, outcomes, strict=True)
        ]

    def _write(
        self, run: Runner, state: State, settled: Settled, gone: Sequence[EventRedacted]
    ) -> None:
        last = settled.recorded[-1].position
        self._appender.append(run, settled.placed)
        write_projections(run, self._appender, state.touched())
        if gone:
            take_away(self._own.connection(), self._appender, self._history, gone)
        self._appender.move_head(run, last, settled.at)
        if self._sealer is not None and self._sealer.is_due(last):
            self._sealer.seal(run, last, settled.at)
