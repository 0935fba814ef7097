"""Ends what ends by itself when its time comes: by a timer each, and by a sweep."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

from apscheduler.jobstores.base import JobLookupError
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from ledger.events.delegation_events import DelegationEnded, DelegationGiven
from ledger.events.envelopes import Command, Event, Recorded
from ledger.events.events import (
    ApprovalCancelled,
    ApprovalDenied,
    ApprovalDispatched,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalLapsed,
    ApprovalRequested,
    ApprovalVoided,
)
from ledger.events.freeze_events import FreezeBegun, FreezeEnded
from ledger.events.grant_request_events import (
    GrantRequestAnswered,
    GrantRequested,
    GrantRequestExpired,
)
from ledger.events.patience_events import ApprovalExtended
from ledger.events.standing_events import (
    GrantExpired,
    GrantIssued,
    GrantRevoked,
)
from ledger.ledger import Ledger
from ledger.lives.deadlines_due import ExpireApproval, ExpireCall, ExpireGrant
from ledger.lives.delegations import ExpireDelegation
from ledger.lives.freezes import ExpireFreeze
from ledger.lives.grant_requests import ExpireRequest
from ledger.readings.readings import Deadline
from ledger.watching.nudging import Nudges
from policies.values.refusals import Refused

_LOG = logging.getLogger(__name__)

ACTOR = "placet:deadlines"

SWEEP_SECONDS = 5

_PAGE = 200


class Deadlines:
    """Sends ExpireApproval and its like; a crash, or another one beside it, changes nothing.

    Correctness never depends on it: a deadline is checked again under the head
    row whenever something is decided. The jobs live in memory only, and are
    made for what is due before the sweep after the next one: thousands may
    wait, and few of them for their time.
    """

    def __init__(self, ledger: Ledger, sweep_seconds: float = SWEEP_SECONDS) -> None:
        """Watch over `ledger`; the sweep comes every `sweep_seconds`."""
        self._ledger = ledger
        self._sweep_seconds = sweep_seconds
        self._ahead = timedelta(seconds=2 * sweep_seconds)
        self._scheduler = AsyncIOScheduler(
            jobstores={"default": MemoryJobStore()},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
            timezone=UTC,
        )
        self._nudges = Nudges(ledger)
        self._leave = _nothing

    async def start(self) -> None:
        """Begin to watch and sweep at once. Raises LedgerUnavailable."""
        self._leave = self._ledger.observe(self._follow, plain_calls=False)
        await self._nudges.start()
        self._scheduler.add_job(
            self._until_stopped,
            "interval",
            args=(self.sweep,),
            seconds=self._sweep_seconds,
            id="sweep",
            next_run_time=None,
        )
        self._scheduler.add_job(
            self._until_stopped, "interval", args=(self._nudges.tick,), seconds=1, id="nudges"
        )
        self._scheduler.start()
        await self.sweep()
        self._scheduler.resume_job("sweep")

    async def stop(self) -> None:
        """Send nothing more; what was sent is waited for by nobody."""
        self._leave()
        self._nudges.stop()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
            await asyncio.sleep(0)  # the scheduler ends in a callback of the loop

    async def sweep(self) -> None:
        """End all that is due, and the calls of processes that are gone; look ahead."""
        try:
            while due := await self._ledger.deadlines(before=await self._ledger.now(), limit=_PAGE):
                ended = await asyncio.gather(*(self._end(each) for each in due))
                if not any(ended):
                    break
            await self._look_ahead()
            await self._ledger.presume_lost()
            await self._ledger.tasks.sweep(await self._ledger.now())
        except Refused as refusal:
            _LOG.warning("deadlines wait: %s", refusal)

    async def _look_ahead(self) -> None:
        """Make a timer for all that is due soon."""
        now = await self._ledger.now()
        for deadline in await self._ledger.deadlines(before=now + self._ahead):
            if deadline.kind != "call":  # nobody waits for these: the sweep is enough
                self._set(deadline, now)

    async def _until_stopped(self, job: Callable[..., Awaitable[object]], *given: object) -> None:
        """Run a job; that `stop` cuts it short is no error for the scheduler to report."""
        try:
            await job(*given)
        except asyncio.CancelledError:
            _LOG.debug("a deadline's job was stopped in the middle")

    async def _end(self, deadline: Deadline) -> bool:
        """Send the command; tell whether it changed anything.

        Its id is the same each time: one that found nothing to do has recorded
        nothing, so a later one is decided anew.
        """
        try:
            return bool(await self._ledger.execute(_command(deadline)))
        except Refused as refusal:
            _LOG.info("`%s` is not ended yet: %s", deadline.id, refusal)
            return False

    def _follow(self, recorded: Sequence[Recorded]) -> None:
        for each in recorded:
            match each.event:
                case ApprovalRequested() as event:
                    self._set(Deadline("approval", event.approval, event.expires_at), each.at)
                case ApprovalExtended() as event:
                    self._set(Deadline("approval", event.approval, event.until), each.at)
                case ApprovalGiven() as event:
                    self._set(Deadline("approval", event.approval, event.use_until), each.at)
                case GrantIssued() as event:
                    self._set(Deadline("grant", event.grant, event.until), each.at)
                case GrantRequested() as event:
                    self._set(Deadline("request", event.request, event.expires_at), each.at)
                case DelegationGiven() as event:
                    self._set(Deadline("delegation", event.delegation, event.until), each.at)
                case FreezeBegun(freeze=name, until=datetime() as until):
                    self._set(Deadline("freeze", name, until), each.at)
                case event:
                    self._clear(event)

    def _clear(self, event: Event) -> None:
        match event:
            case (
                ApprovalCancelled()
                | ApprovalDenied()
                | ApprovalDispatched()
                | ApprovalExpired()
                | ApprovalLapsed()
                | ApprovalVoided()
            ):
                self._unset(f"approval:{event.approval}")
            case GrantExpired() | GrantRevoked():
                self._unset(f"grant:{event.grant}")
            case GrantRequestAnswered() | GrantRequestExpired():
                self._unset(f"request:{event.request}")
            case DelegationEnded():
                self._unset(f"delegation:{event.delegation}")
            case FreezeEnded():
                self._unset(f"freeze:{event.freeze}")
            case _:
                pass

    def _set(self, deadline: Deadline, now: datetime) -> None:
        """Make a timer for a deadline that is near, in place of the one that it may have."""
        if deadline.at - now > self._ahead:
            self._unset(f"{deadline.kind}:{deadline.id}")
            return
        self._scheduler.add_job(
            self._until_stopped,
            "date",
            run_date=deadline.at,
            args=(self._end, deadline),
            id=f"{deadline.kind}:{deadline.id}",
            replace_existing=True,
        )

    def _unset(self, job: str) -> None:
        try:
            self._scheduler.remove_job(job)
        except JobLookupError:
            _LOG.debug("`%s` has no timer any more", job)


def _command(deadline: Deadline) -> Command:
    name = f"expire:{deadline.id}"
    match deadline.kind:
        case "approval":
            return ExpireApproval(id=name, actor=ACTOR, approval=deadline.id)
        case "grant":
            return ExpireGrant(id=name, actor=ACTOR, grant=deadline.id)
        case "request":
            return ExpireRequest(id=name, actor=ACTOR, request=deadline.id)
        case "delegation":
            return ExpireDelegation(id=name, actor=ACTOR, delegation=deadline.id)
        case "freeze":
            return ExpireFreeze(id=name, actor=ACTOR, freeze=deadline.id)
        case _:
            return ExpireCall(id=name, actor=ACTOR, call=deadline.id)


def _nothing() -> None:
    """Do nothing: not started yet."""
