"""Finds cards that Slack has and the ledger does not, before they would be posted again."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.channels.recording import ACTOR, record
from bot.slack.channel_history import ChannelHistory, Sighting
from bot.slack.outbox import NotTaken
from ledger.ledger import Ledger
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.lives.deliveries import RecordCopy
from policies.people.people import Directory, Team

PATIENCE = 15.0
"""Seconds for which a card waits for a channel to be read; then it is posted all the same."""

SETTLED = 10.0
"""Seconds after which whatever Slack still took of an attempt stands in the channel."""

_PAUSE = 3.0
"""Seconds between two attempts to read a channel that cannot be read."""

_RECENT = timedelta(days=1)
_LOG = logging.getLogger(__name__)


@dataclass
class _Doubts:
    """What may stand in a channel unrecorded: since when, and the approvals that wait for it.

    Times are of the clock that never goes back; `since` is the ledger's.
    """

    since: datetime | None = None
    waiting: dict[str, float] = field(default_factory=dict)
    newest: float = 0.0
    looked_at: float = float("-inf")
    failing_since: float | None = None
    failed_at: float = float("-inf")
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def settle(self) -> None:
        """Forget the doubts: the channel was read, or cannot be."""
        self.since = None
        self.waiting.clear()


class Copies:
    """Reads the channels in which a card may stand that the ledger knows nothing of.

    That is so where the process that posted it ended, or Slack's answer was
    lost. What is found is recorded, and painted from then on. `clock` returns
    seconds that never go back.
    """

    def __init__(
        self,
        history: ChannelHistory,
        ledger: Ledger,
        directory: Directory,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._history = history
        self._ledger = ledger
        self._directory = directory
        self._clock = clock
        self._channels: dict[str, _Doubts] = defaultdict(_Doubts)
        self._sending: set[str] = set()

    def took_over(self, approvals: Iterable[Approval], at: datetime) -> None:
        """Doubt what another process may have posted at the end, of all these, at `at` (UTC)."""
        for approval in approvals:
            pending = approval.status is ApprovalStatus.PENDING
            if not pending and (approval.cards or approval.requested_at < at - _RECENT):
                continue
            for channel in {team.channel for team in self._teams(approval)}:
                here = any(card.channel == channel for card in approval.cards)
                self._doubt(approval, channel, waits=pending and not here)

    def due(self) -> list[str]:
        """Return the channels that have to be read, now or once more."""
        return [channel for channel, doubts in self._channels.items() if doubts.since is not None]

    @contextmanager
    def posting(self, approvals: Sequence[Approval], channel: str) -> Iterator[None]:
        """Send a card of these, and record it, within: what Slack may have taken is doubted."""
        names = {approval.id for approval in approvals}
        self._sending |= names
        try:
            yield
        except NotTaken as refused:
            if refused.unsure:
                for approval in approvals:
                    self._doubt(approval, channel, waits=True)
            raise
        else:
            for name in names:
                self._channels[channel].waiting.pop(name, None)
        finally:
            self._sending -= names

    async def turned_up(self, approval: Approval, team: Team) -> bool:
        """Tell whether a card that was about to be posted stands in the channel already.

        Raises NotTaken where Slack cannot be asked at the moment.
        """
        doubts = self._channels[team.channel]
        if approval.id not in doubts.waiting:
            return False
        async with doubts.turn:
            if doubts.looked_at <= doubts.waiting.get(approval.id, float("-inf")):
                await self._read_patiently(team.channel, doubts)
        doubts.waiting.pop(approval.id, None)
        now = await self._ledger.approval(approval.id)
        known = {(card.channel, card.ts) for card in approval.cards}
        there = {(card.channel, card.ts) for card in now.cards} if now is not None else set()
        return any(channel == team.channel for channel, _ in there - known)

    async def look(self, channel: str) -> None:
        """Read a channel, and record each card there that is not. Raises NotTaken."""
        doubts = self._channels[channel]
        async with doubts.turn:
            if doubts.since is not None:
                await self._read(channel, doubts)

    async def _read_patiently(self, channel: str, doubts: _Doubts) -> None:
        try:
            await self._read(channel, doubts)
        except NotTaken as refused:
            first = doubts.failing_since
            if first is None or self._clock() < first + PATIENCE:
                raise
            _LOG.warning("cards go to %s without a look at what is there: %s", channel, refused)

    async def _read(self, channel: str, doubts: _Doubts) -> None:
        """Read a channel. What can never be read is not doubted any more."""
        began = self._clock()
        pause = doubts.failed_at + _PAUSE - began
        if pause > 0:
            raise NotTaken("the channel could not be read a moment ago", None, pause, away=True)
        since = doubts.since
        try:
            found = await self._history.cards(channel, since) if since is not None else []
        except NotTaken as refused:
            if refused.code is None:
                if doubts.failing_since is None:
                    doubts.failing_since = began
                doubts.failed_at = began
                pause = refused.wait or _PAUSE
                raise NotTaken(str(refused), None, pause, away=refused.away) from refused
            _LOG.warning("cards may stand twice in %s, it cannot be read: %s", channel, refused)
            doubts.settle()
            return
        for sighting in found:
            await self._adopt(sighting)
        doubts.looked_at = began
        doubts.failing_since = None
        if began >= doubts.newest + SETTLED:
            doubts.settle()

    async def _adopt(self, sighting: Sighting) -> None:
        """Record a card of which the ledger does not know, for each question on it."""
        mark, place = sighting.mark, sighting.place
        for name in mark.members or (mark.approval,):
            approval = await self._ledger.approval(name)
            if approval is None or name in self._sending:
                continue
            if any((card.channel, card.ts) == (place.channel, place.ts) for card in approval.cards):
                continue
            teams = (team.name for team in self._teams(approval) if team.channel == place.channel)
            await record(
                self._ledger,
                RecordCopy(
                    id=f"copy:{name}:{place.channel}:{place.ts}",
                    actor=ACTOR,
                    approval=name,
                    team=next(teams, ""),
                    channel=place.channel,
                    ts=place.ts,
                    revision=min(mark.revision, approval.position),
                    members=mark.members,
                ),
            )

    def _doubt(self, approval: Approval, channel: str, *, waits: bool) -> None:
        doubts = self._channels[channel]
        doubts.newest = self._clock()
        doubts.since = min(doubts.since or approval.requested_at, approval.requested_at)
        if waits:
            doubts.waiting[approval.id] = doubts.newest

    def _teams(self, approval: Approval) -> Iterator[Team]:
        asked = [term.team for term in approval.request.terms]
        for name in (*asked, *approval.patience.escalated.values()):
            if name in self._directory.teams:
                yield self._directory.teams[name]
