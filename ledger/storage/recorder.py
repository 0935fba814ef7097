"""Keeps events behind the recorder contract of eventsourcing, on SQLite and PostgreSQL alike."""

from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Lock
from typing import Any, TypeVar
from uuid import UUID

from eventsourcing.persistence import (
    IntegrityError,
    ListenNotifySubscription,
    OperationalError,
    PersistenceError,
    ProcessRecorder,
    StoredEvent,
    Tracking,
)
from sqlalchemy import Connection, RowMapping, Select, func, select
from sqlalchemy import exc as sql_errors

from ledger.clock import micros
from ledger.proofs.entries import Header
from ledger.storage.appending import Appender, Placed, numbered
from ledger.storage.databases import Database
from ledger.storage.faults import is_down
from ledger.storage.mapper import StoredRecord
from ledger.storage.statements import runner
from ledger.storage.tables import EVENT, TRACKING
from ledger.storage.upserts import upserting
from ledger.storage.waking import Listener

_T = TypeVar("_T")

COLUMNS = (
    EVENT.c.position,
    EVENT.c.stream,
    EVENT.c.version,
    EVENT.c.type,
    EVENT.c.state,
    EVENT.c.at,
    EVENT.c.actor,
    EVENT.c.command_id,
    EVENT.c.correlation_id,
    EVENT.c.causation_id,
    EVENT.c.code,
)
"""What is read of an event's row."""


def record(row: RowMapping) -> StoredRecord:
    """Return the record of a row that has COLUMNS."""
    return StoredRecord(
        originator_id=row["stream"],
        originator_version=row["version"],
        topic=row["type"],
        state=bytes(row["state"]),
        id=row["position"],
        at=row["at"],
        actor=row["actor"],
        command_id=row["command_id"],
        correlation_id=row["correlation_id"],
        causation_id=row["causation_id"],
        redacted=row["code"] is not None,
    )


class LedgerRecorder(ProcessRecorder):
    """Records events in gap-free positions: the head row is taken by one writer at a time.

    Raises the errors of eventsourcing: IntegrityError on a conflict,
    OperationalError where the database is gone. Versions begin where the
    caller begins them. Closing it ends its subscriptions.
    """

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        """Record in `database`, whose schema is there; `now` returns UTC and counts on SQLite."""
        self._database = database
        self._now = now
        self._appender = Appender(postgres=database.postgres)
        self._lock = Lock()
        self._followers: set[LedgerSubscription] = set()

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Write events and a `tracking` in one transaction and return the events' positions."""
        tracking: Tracking | None = kwargs.get("tracking")
        positions = self._guarded(lambda: self._insert(stored_events, tracking))
        self.wake()
        return positions

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Return a stream's events in the order of their versions."""
        version = EVENT.c.version
        query = select(*COLUMNS).where(EVENT.c.stream == str(originator_id))
        query = query.order_by(version.desc() if desc else version).limit(limit)
        if gt is not None:
            query = query.where(version > gt)
        if lte is not None:
            query = query.where(version <= lte)
        return self._read(query)

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[StoredRecord]:
        """Return events in the order of their positions."""
        query = select(*COLUMNS).order_by(EVENT.c.position).limit(limit)
        if start is not None:
            after = start - 1 if inclusive_of_start else start
            query = query.where(EVENT.c.position > after)
        if stop is not None:
            query = query.where(EVENT.c.position <= stop)
        if topics:
            query = query.where(EVENT.c.type.in_(topics))
        return self._read(query)

    def max_notification_id(self) -> int | None:
        """Return the newest position, None in an empty ledger."""
        return self._scalar(select(func.max(EVENT.c.position)))

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> "LedgerSubscription":
        """Return an iterator over the events after position `gt`, now and to come."""
        subscription = LedgerSubscription(self, gt, topics, self._database)
        with self._lock:
            self._followers.add(subscription)
        subscription.wake()
        return subscription

    def insert_tracking(self, tracking: Tracking) -> None:
        """Record how far a follower got. Raises IntegrityError where that is no progress."""
        self._guarded(lambda: self._insert((), tracking))

    def max_tracking_id(self, application_name: str) -> int | None:
        """Return how far a follower of `application_name` got, None at the start."""
        return self._scalar(
            select(TRACKING.c.position).where(TRACKING.c.application == application_name)
        )

    def wake(self) -> None:
        """Let every subscription of this process look for new events."""
        with self._lock:
            followers = tuple(self._followers)
        for follower in followers:
            follower.wake()

    def forget(self, subscription: "LedgerSubscription") -> None:
        """Wake a subscription no more."""
        with self._lock:
            self._followers.discard(subscription)

    def _insert(
        self, stored_events: Sequence[StoredEvent], tracking: Tracking | None
    ) -> list[int] | None:
        with self._database.write() as connection:
            if tracking is not None:
                _track(connection, tracking)
            if not stored_events:
                return None
            run = runner(connection)
            head = self._appender.take_head(run)
            now = micros(self._now()) if head.now is None else head.now
            at = max(now, head.at)
            placed = _placed(stored_events, head.position, at)
            last, _ = placed[-1]
            self._appender.append(run, placed)
            self._appender.move_head(run, last.position, at)
            return [header.position for header, _ in placed]

    def _read(self, query: Select[Any]) -> list[StoredRecord]:
        def rows() -> list[StoredRecord]:
            with self._database.reading.connect() as connection:
                return [record(row) for row in connection.execute(query).mappings()]

        return self._guarded(rows)

    def _scalar(self, query: Select[int]) -> int | None:
        def number() -> int | None:
            with self._database.reading.connect() as connection:
                return connection.execute(query).scalar()

        return self._guarded(number)

    @staticmethod
    def _guarded(work: Callable[[], _T]) -> _T:
        try:
            return work()
        except sql_errors.DBAPIError as error:
            if isinstance(error, sql_errors.IntegrityError):
                raise IntegrityError(str(error.orig)) from error
            kind = OperationalError if is_down(error) else PersistenceError
            raise kind(str(error.orig)) from error


class LedgerSubscription(ListenNotifySubscription[LedgerRecorder]):
    """Follows the ledger: woken at commits of this process and by NOTIFY, and looks each second."""

    def __init__(
        self, recorder: LedgerRecorder, gt: int | None, topics: Sequence[str], database: Database
    ) -> None:
        """Follow from after position `gt`; only `topics`, or all."""
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._listener = (
            Listener(database.url, self.wake, lines=database.lines) if database.postgres else None
        )

    def wake(self) -> None:
        """Look for new events."""
        self._has_been_notified.set()

    def stop(self) -> None:
        """End the iteration."""
        self._recorder.forget(self)
        super().stop()

    def __exit__(self, *args: object, **kwargs: Any) -> None:
        try:
            super().__exit__(*args, **kwargs)
        finally:
            if self._listener is not None:
                self._listener.close()

    def _loop_on_pull(self) -> None:
        try:
            while not self._has_been_stopped:
                self._pull()
                self._has_been_notified.wait(timeout=1.0)
        except Exception as error:  # noqa: BLE001 (raised again where the subscription is read)
            if self._thread_error is None:
                self._thread_error = error
            self.stop()


def _placed(stored: Sequence[StoredEvent], head: int, at: int) -> list[Placed]:
    """Return the events in their places after position `head`."""
    known = [
        each if isinstance(each, StoredRecord) else StoredRecord(**vars(each), id=0)
        for each in stored
    ]
    ordinals = numbered(each.command_id for each in known)
    return [
        (
            Header(
                position,
                str(each.originator_id),
                each.originator_version,
                each.topic,
                at,
                each.actor,
                each.command_id,
                ordinal,
                each.correlation_id,
                each.causation_id,
            ),
            each.state,
        )
        for position, (each, ordinal) in enumerate(zip(known, ordinals, strict=True), head + 1)
    ]


def _track(connection: Connection, tracking: Tracking) -> None:
    """Move a follower's position forward; anything else is a conflict."""
    made = upserting(connection, TRACKING).values(
        application=tracking.application_name, position=tracking.notification_id
    )
    moved = made.on_conflict_do_update(
        index_elements=[TRACKING.c.application],
        set_={"position": made.excluded.position},
        where=TRACKING.c.position < made.excluded.position,
    ).returning(TRACKING.c.position)
    if connection.execute(moved).scalar() is None:
        raise IntegrityError(
            f"{tracking.application_name} is already at {tracking.notification_id} or later"
        )
