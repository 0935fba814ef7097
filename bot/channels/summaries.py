"""Posts one card for many questions of one agent, once it asks more than people can follow."""

import asyncio
import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.channels.copies import Copies
from bot.channels.recording import ACTOR, record
from bot.drawing.frozen_cards import frozen_line
from bot.drawing.summary_cards import MOST, Item, item, shows_whole, summary_card
from bot.slack.marks import Mark
from bot.slack.outbox import NotTaken, Outbox, Place
from ledger.ledger import Ledger
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.lives.deliveries import RecordCard
from ledger.lives.painted_cards import PaintedCard
from policies.people.people import Team

MINUTE = 60.0
"""Seconds in which the cards of an agent are counted."""

GATHERED = 2.0
"""Seconds for which questions wait for one another, to be on one card."""

_DOUBLED = 2
"""How often that is doubled at most, where an agent goes on asking."""

Key = tuple[str, str]
_STAMP = re.compile(r"[0-9]{1,12}\.[0-9]{1,9}")


@dataclass
class _Crowd:
    """What an agent asks of a team: when it got cards, what waits, since when.

    `gathered` are the times at which what waited together was posted.
    """

    posted: deque[float] = field(default_factory=deque)
    gathered: deque[float] = field(default_factory=lambda: deque(maxlen=_DOUBLED))
    waiting: dict[str, None] = field(default_factory=dict)
    since: float = 0.0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True)
class _Shown:
    """How a card looks, positions in the ledger left out, and at which it shows each question."""

    looks: str
    at: Mapping[str, int]


class Summaries:
    """Decides which questions share a card, and keeps those cards up to date.

    The first `after` cards of an agent in a minute are of one question each;
    what it asks beyond that, of one team, shares cards. `clock` returns
    seconds that never go back; `after` 0 is never.
    """

    def __init__(
        self,
        outbox: Outbox,
        ledger: Ledger,
        copies: Copies,
        reach: Callable[[str], None],
        clock: Callable[[], float],
        after: int,
    ) -> None:
        self._outbox = outbox
        self._ledger = ledger
        self._copies = copies
        self._reach = reach
        self._clock = clock
        self._after = after
        self._crowds: dict[Key, _Crowd] = defaultdict(_Crowd)
        self._showing: dict[Place, _Shown] = {}
        self._turns: dict[Place, asyncio.Lock] = defaultdict(asyncio.Lock)

    def take_over(self) -> None:
        """Forget which cards of one question each were posted."""
        for crowd in self._crowds.values():
            crowd.posted.clear()

    def took_over(self, approvals: Iterable[Approval], at: datetime) -> None:
        """Count those that stand since a minute before `at` (UTC), too."""
        found: dict[Key, list[float]] = defaultdict(list)
        for approval in approvals:
            for card in approval.cards:
                age = at.timestamp() - _stamp(card.ts)
                if not card.members and age < MINUTE:
                    found[approval.request.agent, card.team].append(self._clock() - max(age, 0.0))
        for key, posted in found.items():
            crowd = self._crowds[key]
            crowd.posted = deque(sorted([*crowd.posted, *posted]))

    def shares(self, approval: Approval, team: Team) -> bool:
        """Tell whether a question without a card goes on one with others."""
        if not self._after or approval.own_card:
            return False
        crowd = self._crowds[approval.request.agent, team.name]
        while crowd.posted and crowd.posted[0] <= self._clock() - MINUTE:
            crowd.posted.popleft()
        return len(crowd.posted) >= self._after

    def posting(self, approval: Approval, team: Team) -> None:
        """Note that a question gets a card of its own, before anything is waited for."""
        self._crowds[approval.request.agent, team.name].posted.append(self._clock())

    def not_posted(self, approval: Approval, team: Team) -> None:
        """Note that it got none: Slack did not take it."""
        posted = self._crowds[approval.request.agent, team.name].posted
        if posted:
            posted.pop()

    async def post(self, approval: Approval, team: Team) -> bool:
        """Post the card that a question shares, unless it stands on one by now. Raises NotTaken.

        False says that nobody else asked: the question wants a card of its own.
        """
        crowd = self._crowds[approval.request.agent, team.name]
        if not crowd.waiting:
            crowd.since = self._clock()
        crowd.waiting[approval.id] = None
        async with crowd.turn:
            if approval.id not in crowd.waiting:
                return True
            await self._copies.turned_up(approval, team)
            left = crowd.since + self._together(crowd) - self._clock()
            if left > 0 and len(crowd.waiting) < MOST:
                raise NotTaken("questions of one agent are gathered", None, left)
            members = await self._members(crowd, team)
            for one in members[:MOST]:
                crowd.waiting.pop(one.id, None)
            crowd.gathered.append(self._clock())
            if [one.id for one in members] == [approval.id]:
                return False
            if members:
                await self._send(members[:MOST], crowd, team)
            return True

    async def paint(self, painted: PaintedCard, approval: Approval) -> None:
        """Paint a card of several questions as they all stand now. Raises NotTaken.

        Its questions come here one by one, `approval` now: the first paints for
        all that changed by then.

        INVARIANT: the card shows `approval` at its position after that.
        """
        place = Place(painted.channel, painted.ts)
        async with self._turns[place]:
            found = [await self._ledger.approval(name) for name in painted.members]
            known = [one for one in found if one is not None]
            frozen = await self._frozen(known)
            made = summary_card(known, painted.team, frozen)
            looks = _looks(known, painted.team, frozen)
            before = self._showing.get(place)
            if before and before.looks == looks and approval.position == before.at.get(approval.id):
                return
            await self._outbox.update(place, made.text, list(made.blocks))
            self._showing[place] = _Shown(looks, {one.id: one.position for one in known})

    def _together(self, crowd: _Crowd) -> float:
        """Return for how long questions are gathered: twice as long for each time in a minute."""
        before = sum(at > self._clock() - MINUTE for at in crowd.gathered)
        return float(GATHERED * 2**before)

    async def _members(self, crowd: _Crowd, team: Team) -> list[Approval]:
        """Return what waits for a card still, the oldest first."""
        found = [await self._ledger.approval(name) for name in list(crowd.waiting)]
        waits = [
            one
            for one in found
            if one is not None
            and one.status is ApprovalStatus.PENDING
            and team.name not in {card.team for card in one.cards}
        ]
        crowd.waiting = {one.id: None for one in waits}
        return sorted(waits, key=lambda one: one.requested_at)

    async def _send(self, members: Sequence[Approval], crowd: _Crowd, team: Team) -> None:
        with self._copies.posting(members, team.channel):
            await self._post(members, crowd, team)

    async def _post(self, members: Sequence[Approval], crowd: _Crowd, team: Team) -> None:
        frozen = await self._frozen(members)
        made = summary_card(members, team.name, frozen)
        names = tuple(one.id for one in members)
        mark = Mark(names[0], max(one.position for one in members), names)
        self._reach("summary-sending")
        try:
            place = await self._outbox.post(team.channel, made.text, list(made.blocks), mark)
        except NotTaken:
            crowd.waiting = {**{one.id: None for one in members}, **crowd.waiting}
            raise
        self._reach("summary-sent")
        commands = [_card(one, names, frozen.get(one.id, ""), team, place) for one in members]
        await asyncio.gather(*(record(self._ledger, command) for command in commands))
        self._reach("summary-recorded")

    async def _frozen(self, members: Sequence[Approval]) -> dict[str, str]:
        """Return what is frozen about each question, by its id."""
        return {one.id: await frozen_line(self._ledger, one) for one in members}


def _looks(members: Sequence[Approval], team: str, frozen: Mapping[str, str]) -> str:
    """Return the SHA-256 of a card as people see it: what only moved on looks the same."""
    still = [one.model_copy(update={"position": 0}) for one in members]
    return summary_card(still, team, frozen).sha256


def _stamp(ts: str) -> float:
    """Return when Slack took a message, in seconds since 1970; 0 where it does not say."""
    return float(ts) if _STAMP.fullmatch(ts) else 0.0


def part_of(approval: Approval, painted: PaintedCard, revision: int, frozen: str) -> Item:
    """Return how a question is shown on a card that it shares."""
    return _item(approval, painted.members, revision, frozen)


def _item(approval: Approval, names: tuple[str, ...], revision: int, frozen: str) -> Item:
    number = names.index(approval.id) + 1 if approval.id in names else len(names) + 1
    return item(approval, revision, number, frozen)


def _card(
    approval: Approval, names: tuple[str, ...], frozen: str, team: Team, place: Place
) -> RecordCard:
    shown = _item(approval, names, approval.position, frozen)
    return RecordCard(
        id=f"card:{approval.id}:{place.channel}:{place.ts}",
        actor=ACTOR,
        approval=approval.id,
        team=team.name,
        channel=place.channel,
        ts=place.ts,
        revision=approval.position,
        blocks=shown.json,
        sha256=shown.sha256,
        whole=shows_whole(approval),
        members=names,
    )
