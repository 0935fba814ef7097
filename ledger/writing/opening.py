"""Assembles an open ledger from its parts, and takes it apart again."""

import asyncio
import concurrent.futures
import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Timer

from ledger.events.envelopes import Command
from ledger.lives.calls import PresumeLost
from ledger.proofs.signing import Signer
from ledger.readings.moments import head
from ledger.readings.readings import Readings
from ledger.replaying.mending import Mender
from ledger.storage.databases import Database, connect, connect_to_read
from ledger.storage.faults import DATABASE_ERRORS, because, explained
from ledger.storage.history import History
from ledger.storage.leases import FileLock, Leases
from ledger.storage.mapper import RecordMapper
from ledger.storage.pooling import check_own
from ledger.storage.schema import check_to_read, migrate
from ledger.storage.waking import Listener
from ledger.unavailable import LedgerUnavailable
from ledger.writing.announcing import Announcer
from ledger.writing.batch import Settler, Surroundings
from ledger.writing.gathering import Gathering
from ledger.writing.inbox import Events, Hearer, Inbox, Waiting
from ledger.writing.meters import LedgerMeters
from ledger.writing.sealing import Sealer
from ledger.writing.writer import Writer
from policies.people.people import Directory
from policies.values.refusals import Refused

_LOG = logging.getLogger(__name__)

_READERS = 4

_LAST_WORD = 5.0
"""Seconds that a database which does not answer has left once the ledger is closed."""


@dataclass(frozen=True)
class World:
    """What only the root has; see `Ledger.open`."""

    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    directory: Directory
    reach: Callable[[str], None]


@dataclass(frozen=True)
class Parts:
    """What an open ledger is made of; `closing` takes it apart in the right order."""

    database: Database
    inbox: Inbox
    gathering: Gathering
    announcer: Announcer
    leases: Leases
    readings: Readings
    readers: ThreadPoolExecutor
    writer: Writer
    meters: LedgerMeters
    world: World
    closing: ExitStack

    @property
    def monotonic(self) -> Callable[[], float]:
        """The clock that counts seconds."""
        return self.world.monotonic

    def mender(self, actor: str) -> Mender:
        """Return what mends the projections, as `actor`."""
        return Mender(self.database, actor, self.world.now, self.world.reach)

    def show(self) -> None:
        """Let the meters see how things stand."""
        self.meters.show(
            waiting=lambda: self.inbox.depth,
            position=lambda: self.announcer.position,
            behind=lambda: self.announcer.behind,
            writable=lambda: self.writer.problem is None,
        )

    def seal(self, signer: Signer) -> None:
        """Have the writer seal the history with what `signer` signs."""
        postgres = self.database.postgres
        self.writer.seal_with(Sealer(signer, postgres=postgres, monotonic=self.monotonic))

    def submit(self, command: Command, loop: asyncio.AbstractEventLoop) -> "asyncio.Future[Events]":
        """Give a command to the writer. Raises LedgerUnavailable where it cannot take it."""
        future: asyncio.Future[Events] = loop.create_future()
        self.inbox.put(Waiting(command, self.monotonic(), future, loop))
        self.gathering.hurry(loop)
        return future

    def leave(self, command: Command, hearer: Hearer, loop: asyncio.AbstractEventLoop) -> None:
        """Give a command to the writer that goes with the next one, or alone after a moment.

        Raises LedgerUnavailable where it cannot take it.
        """
        self.inbox.put(Waiting(command, self.monotonic(), hearer, loop))
        self.gathering.take_time(loop)

    def ask(self, command: Command) -> Events:
        """Send a command and wait for its outcome in this thread, which must not be a loop's."""
        future: concurrent.futures.Future[Events] = concurrent.futures.Future()
        self.inbox.put(Waiting(command, self.monotonic(), future))
        self.inbox.wake()
        return future.result()


def assemble(url: str, instance: str, world: World, *, serving: bool, capacity: int) -> Parts:
    """Return the parts of the ledger at `url`, at work, its tables made or moved on.

    Raises LedgerUnavailable; nothing stays open then.
    """
    with _opening() as closing:
        return _assemble(url, instance, world, closing, serving=serving, capacity=capacity)


def assemble_to_read(url: str, instance: str, world: World) -> Parts:
    """Return the parts of the ledger at `url` as it is: it may be read-only, nothing is made.

    Raises LedgerUnavailable; nothing stays open then.
    """
    with _opening() as closing:
        database = connect_to_read(url)
        hanging_up = _letting_go(database, closing)
        with database.snapshot() as connection:
            check_to_read(connection, str(database.path or database.url.database))
            last = head(connection)
        database.check_still()
        leases = Leases(database, instance, world.now, world.monotonic)
        parts = _at_work(database, leases, world, closing, Inbox(1), _nothing, last)
        closing.callback(hanging_up.start)
        return parts


@contextmanager
def _opening() -> Iterator[ExitStack]:
    """Give what closes the parts; where they cannot be had, close them, and say why in words."""
    closing = ExitStack()
    try:
        yield closing
    except (*DATABASE_ERRORS, OSError) as error:
        closing.close()
        raise LedgerUnavailable(f"the ledger cannot be opened: {explained(error)}") from error
    except BaseException:
        closing.close()
        raise


def _letting_go(database: Database, closing: ExitStack) -> Timer:
    """Have the database closed at the end; return what hangs up a while after it is started."""
    closing.callback(database.close)
    hanging_up = Timer(_LAST_WORD, database.lines.hang_up)
    hanging_up.daemon = True
    closing.callback(hanging_up.cancel)
    return hanging_up


def _assemble(
    url: str, instance: str, world: World, closing: ExitStack, *, serving: bool, capacity: int
) -> Parts:
    database = connect(url)
    hanging_up = _letting_go(database, closing)
    if serving and database.path is not None:
        closing.callback(FileLock(database.path).release)
    last = _made_ready(database)
    leases = Leases(database, instance, world.now, world.monotonic)
    if serving:
        leases.beat()
        if database.postgres:
            closing.callback(_leave, leases)
        else:
            database.make_room()
    beat = leases.beat if serving else _nothing
    parts = _at_work(database, leases, world, closing, Inbox(capacity), beat, last)
    if database.postgres:  # what only reads looks each second: a standby tells nobody anything
        closing.callback(_listener(parts).close)
    closing.callback(hanging_up.start)
    lost = leases.lost(alone=database.path is not None) if serving else ()
    if lost:
        _give_up(parts, lost)
    return parts


def _made_ready(database: Database) -> int:
    """Make the tables or move them on, and return the newest position."""
    if database.postgres:
        with database.reading.connect() as waiting, database.write() as begun:
            check_own(waiting, begun)
    with database.write() as connection:
        migrate(connection)
        return head(connection)


def _at_work(
    database: Database,
    leases: Leases,
    world: World,
    closing: ExitStack,
    inbox: Inbox,
    beat: Callable[[], None],
    head: int,
) -> Parts:
    history = History(RecordMapper())
    readings = Readings(database, history, world.now)
    readers = ThreadPoolExecutor(_READERS, thread_name_prefix="ledger-reader")
    closing.callback(readers.shutdown)
    settler = _settler(database, history, world)
    announcer = Announcer(lambda after, limit: readings.events(after, limit, None, None), head)
    meters = LedgerMeters()
    hurried = _in_a_hurry(database, beat)
    writer = Writer(settler, inbox, announcer, hurried, meters, world.monotonic)
    closing.callback(writer.close)
    parts = Parts(
        database=database,
        inbox=inbox,
        gathering=Gathering(inbox),
        announcer=announcer,
        leases=leases,
        readings=readings,
        readers=readers,
        writer=writer,
        meters=meters,
        world=world,
        closing=closing,
    )
    parts.show()
    return parts


def _in_a_hurry(database: Database, beat: Callable[[], None]) -> Callable[[], None]:
    """Return a `beat` that keeps the thread from waiting for long, as all callers wait for it."""

    def hurried() -> None:
        database.lines.hurry()
        beat()

    return hurried


def _listener(parts: Parts) -> Listener:
    database = parts.database
    return Listener(database.url, parts.inbox.wake, parts.writer.is_mine, database.lines)


def _settler(database: Database, history: History, world: World) -> Settler:
    return Settler(
        Surroundings(
            database=database,
            mapper=history.mapper,
            directory=world.directory,
            now=world.now,
            monotonic=world.monotonic,
            reach=world.reach,
        )
    )


def _give_up(parts: Parts, lost: tuple[str, ...]) -> None:
    """Record the unknown end of dead processes' calls; the sweep tries again if this fails."""
    try:
        parts.ask(lost_command(lost))
    except Refused as refusal:
        _LOG.warning("calls of %s processes that are gone stay open: %s", len(lost), refusal)


def lost_command(instances: Sequence[str]) -> PresumeLost:
    """Return the command that presumes these processes gone."""
    return PresumeLost(id=f"lost:{uuid.uuid4()}", actor="placet:leases", instances=tuple(instances))


def _leave(leases: Leases) -> None:
    """Note that this process ends; where that fails, it is missed after a while."""
    try:
        leases.leave()
    except DATABASE_ERRORS as error:
        _LOG.info("the end of this process is not noted: %s", because(error))


def _nothing() -> None:
    """Do nothing: a command beside the service holds no calls."""
