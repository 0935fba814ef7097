"""The ledger as gateway, bot and root use it: commands in, events out, and reads."""

import asyncio
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Self, TypeVar

from prometheus_client import CollectorRegistry
from sqlalchemy import Connection

from ledger.clock import elapsed
from ledger.events.envelopes import Command, Recorded
from ledger.lives.agents import LedgerAgent
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.lives.calls import CallRecord
from ledger.lives.grants import Grant
from ledger.lives.policy_in_force import PolicyInForce
from ledger.lives.reviews import Review
from ledger.lives.servers import KnownServer
from ledger.lives.tools import SeenTool
from ledger.proofs.signing import Signer
from ledger.readings.decided_calls import DecidedCall
from ledger.readings.readings import Deadline
from ledger.readings.tasks import Tasks
from ledger.replaying.mending import Mended
from ledger.replaying.rebuilding import Difference, compared
from ledger.storage.faults import READING_ERRORS, unread
from ledger.unavailable import LedgerUnavailable
from ledger.writing.announcing import Listener, Observer
from ledger.writing.inbox import Hearer
from ledger.writing.opening import Parts, World, assemble, assemble_to_read, lost_command
from policies.people.people import Directory

__all__ = ["Ledger", "LedgerUnavailable"]

_T = TypeVar("_T")

_CAPACITY = 5_000


class Ledger:
    """An open ledger; `instance` is the id of this process.

    `tasks` are kept beside the history, and only as long as they last.
    Its coroutines may be awaited on any event loop and block none.
    """

    def __init__(self, instance: str, parts: Parts) -> None:
        """Use `open`."""
        self.instance = instance
        self.tasks = Tasks(parts.database, self._read)
        self._parts = parts
        self._closed = False

    @classmethod
    def open(
        cls,
        url: str,
        *,
        now: Callable[[], datetime],
        directory: Directory | None = None,
        instance: str | None = None,
        serving: bool = True,
        reach: Callable[[str], None] = lambda _point: None,
        monotonic: Callable[[], float] = elapsed,
        capacity: int = _CAPACITY,
    ) -> Self:
        """Open the ledger at `url`, making or migrating its tables; blocks meanwhile.

        `now` returns UTC, `monotonic` seconds; if they part by 60 s, nothing
        is decided any more. `serving` says that this process holds calls: it
        is seen alive each second, and SQLite takes one such process at a
        time. `capacity` is how many commands may wait. `reach` is called at
        the points where a test may kill the process. Raises LedgerUnavailable.
        """
        name = instance or f"placet-{uuid.uuid4().hex}"
        world = World(now, monotonic, directory or Directory(), reach)
        return cls(name, assemble(url, name, world, serving=serving, capacity=capacity))

    @classmethod
    def read(
        cls, url: str, *, now: Callable[[], datetime], directory: Directory | None = None
    ) -> Self:
        """Open the ledger at `url`, which may be read-only, to read it alone; nothing is made.

        Raises LedgerUnavailable, also where this Placet cannot read it as it is.
        """
        name = f"placet-{uuid.uuid4().hex}"
        world = World(now, elapsed, directory or Directory(), lambda _point: None)
        return cls(name, assemble_to_read(url, name, world))

    def close(self) -> None:
        """Record what was accepted, then let everything go; safe to call again."""
        if not self._closed:
            self._closed = True
            self._parts.closing.close()

    def rest(self) -> None:
        """Keep nothing at hand of what was asked, from now or soon: little will be for a while."""
        self._parts.database.rest()
        self._parts.writer.rest()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def seal(self, signer: Signer) -> None:
        """Seal the history from now on, each second in which something happens."""
        self._parts.seal(signer)

    def publish(self, registry: CollectorRegistry) -> None:
        """Show in `registry` how the ledger does: once for each registry."""
        self._parts.meters.register(registry)

    async def execute(self, command: Command) -> tuple[Recorded, ...]:
        """Decide and record a command; what it returns is durable.

        Resending the same command id returns the first events. Raises Refused
        where the answer is no (nothing is recorded for it), LedgerUnavailable
        where nothing was recorded or it cannot be known.
        """
        return await self._parts.submit(command, asyncio.get_running_loop())

    def note(
        self, command: Command, hear: Callable[[tuple[Recorded, ...] | BaseException], None]
    ) -> None:
        """Decide and record a command that nobody waits for: with the next one, or in a moment.

        `hear` is called on this event loop, once, with what `execute` would
        return or raise; it must neither block nor raise. Raises
        LedgerUnavailable where the command is not taken.
        """
        self._parts.leave(command, Hearer(hear), asyncio.get_running_loop())

    def observe(
        self, listener: Listener, *, plain_calls: bool = True, own_only: bool = False
    ) -> Callable[[], None]:
        """Call `listener` on this event loop with every event from now on, of all processes.

        Each event comes once, in the order of positions. Without `plain_calls`
        those come not at all that tell of a call without an approval: most of
        a busy ledger's; with `own_only` those alone that this process records.
        What observes first hears first. Returns what ends it.
        """
        loop = asyncio.get_running_loop()
        observer = Observer(listener, loop, plain_calls=plain_calls, own_only=own_only)
        return self._parts.announcer.observe(observer)

    def used(self, bucket: str, at: datetime) -> Decimal:
        """Return what was lately taken of a limit, or more: a guess without waiting."""
        del at
        return self._parts.writer.used(bucket)

    async def approval(self, name: str) -> Approval | None:
        """Return an approval by its id."""
        return await self._read(lambda: self._parts.readings.approval(name))

    async def approvals(self, *statuses: ApprovalStatus, limit: int = 1000) -> list[Approval]:
        """Return approvals in these states (all states where none is named), newest first."""
        return await self._read(lambda: self._parts.readings.approvals(statuses, limit))

    async def grants(self, *, live: bool) -> list[Grant]:
        """Return the grants in force now, or all grants ever, by id."""
        return await self._read(lambda: self._parts.readings.grants(live=live))

    async def grant(self, name: str) -> Grant | None:
        """Return a grant by its id."""
        return await self._read(lambda: self._parts.readings.grant(name))

    async def agents(self) -> list[LedgerAgent]:
        """Return the agents that the ledger knows, live and revoked, by name."""
        return await self._read(self._parts.readings.agents)

    async def tools(self, server: str) -> list[SeenTool]:
        """Return the tools ever seen of a server, by name."""
        return await self._read(lambda: self._parts.readings.tools(server))

    async def review(self, name: str) -> Review | None:
        """Return a card about changed tools by its id."""
        return await self._read(lambda: self._parts.readings.review(name))

    async def reviews(self, server: str) -> list[Review]:
        """Return the newest cards about a server's changed tools, oldest first."""
        return await self._read(lambda: self._parts.readings.reviews(server))

    async def server(self, name: str) -> KnownServer | None:
        """Return what is known of a server as a whole, None before anything was seen of it."""
        return await self._read(lambda: self._parts.readings.server(name))

    async def definitions(
        self, server: str, wanted: Iterable[tuple[str, str]]
    ) -> dict[tuple[str, str], str]:
        """Return definitions that a server's tools ever had, by name and hash."""
        return await self._read(lambda: self._parts.readings.definitions(server, wanted))

    async def instructions(self, server: str, wanted: Iterable[str]) -> dict[str, str]:
        """Return what a server ever told models to do, by hash."""
        return await self._read(lambda: self._parts.readings.instructions(server, wanted))

    async def policy_in_force(self) -> PolicyInForce | None:
        """Return the policy in force, None before the first."""
        return await self._read(self._parts.readings.policy)

    async def call(self, name: str) -> CallRecord | None:
        """Return a call by its id."""
        return await self._read(lambda: self._parts.readings.call(name))

    async def decided(self, name: str) -> DecidedCall | None:
        """Return how a call stands: its decision, its approval, its end."""
        return await self._read(lambda: self._parts.readings.decided(name))

    async def events(
        self,
        *,
        after: int = 0,
        limit: int = 1000,
        stream: str | None = None,
        correlation: str | None = None,
    ) -> list[Recorded]:
        """Return events after a position, in order, of one stream or one story where named."""
        return await self._read(
            lambda: self._parts.readings.events(after, limit, stream, correlation)
        )

    async def deadlines(
        self, *, before: datetime | None = None, limit: int | None = None
    ) -> list[Deadline]:
        """Return what ends by itself: approvals and grants with a deadline (until `before`)."""
        return await self._read(lambda: self._parts.readings.deadlines(before, limit))

    async def lease(self, name: str, seconds: float) -> bool:
        """Take or keep a role for some seconds; False while another process has it."""
        return await self._read(lambda: self._parts.leases.take(name, seconds))

    async def others(self) -> bool:
        """Tell whether other replicas serve too."""
        return await self._read(self._parts.leases.others)

    async def presume_lost(self) -> tuple[Recorded, ...]:
        """Record the unknown end of running calls whose process was not seen for 10 seconds."""
        instances = await self._read(self._parts.leases.lost)
        return await self.execute(lost_command(instances)) if instances else ()

    async def differences(
        self, progress: Callable[[int, int], None] = lambda _done, _all: None
    ) -> list[Difference]:
        """Rebuild every projection from position 0 and return where the kept ones differ.

        `progress` is called in a thread with the position reached and the last one.
        """
        return await self._read(lambda: compared(self._parts.database, progress))

    async def mend(
        self, actor: str, progress: Callable[[int, int], None] = lambda _done, _all: None
    ) -> Mended:
        """Rebuild every projection, and replace what differs while others go on; see Mender.

        `actor` is recorded as who did it; `progress` is as in `differences`.
        """
        return await self._read(lambda: self._parts.mender(actor).mend(progress))

    async def look(self, work: Callable[[Connection], _T]) -> _T:
        """Run `work` in a reader's thread, on a connection that sees one moment of the ledger."""

        def within() -> _T:
            with self._parts.database.snapshot() as connection:
                return work(connection)

        return await self._read(within)

    async def scrub(self) -> bool:
        """Empty SQLite's log of what was redacted; False where a reader keeps it."""
        return await self._read(self._parts.database.scrub)

    async def now(self) -> datetime:
        """Return the ledger's time in UTC: the database's on PostgreSQL."""
        return await self._read(self._parts.readings.clock)

    def ready(self) -> list[str]:
        """Return what is wrong, in words for operators; empty when all is well."""
        if self._closed:
            return ["the ledger is closed"]
        writer = self._parts.writer
        unsealed = writer.unsealed and f"the history is sealed no more: {writer.unsealed}"
        return [problem for problem in (writer.problem, unsealed) if problem is not None]

    async def _read(self, work: Callable[[], _T]) -> _T:
        if self._closed:
            raise LedgerUnavailable("the ledger is closed")
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._parts.readers, work)
        except READING_ERRORS as error:
            raise unread(error) from error
        finally:
            self._parts.database.check_still()
