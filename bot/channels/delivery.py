"""Brings one approval's cards to where the ledger stands: posts, paints anew, replies."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Sequence
from datetime import datetime
from typing import Any

from bot.channels.copies import Copies
from bot.channels.recording import ACTOR, record
from bot.channels.summaries import Summaries, part_of
from bot.channels.thread_lines import ThreadLines
from bot.drawing.cards import Card
from bot.drawing.drawing import drawn
from bot.drawing.frozen_cards import frozen_line, with_line
from bot.drawing.summary_cards import Item
from bot.drawing.threads import about_block, thread_blocks, thread_text
from bot.slack.marks import Mark
from bot.slack.outbox import NotTaken, Outbox, Place, raise_first
from bot.slack.pieces import Block
from ledger.events.envelopes import Command, Recorded
from ledger.ledger import Ledger
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.lives.deliveries import RecordCard, RecordRepaint, RecordUndeliverable
from ledger.lives.painted_cards import PaintedCard
from ledger.views.delegation_readings import delegations_in_force
from policies.people.people import Directory, Team

AWAY = 2.5
"""Seconds after which the callers of a card that waits for Slack are told that it is away."""

_GONE = frozenset({"message_not_found", "thread_not_found"})
_UNANSWERED = "Slack is away"
_LOG = logging.getLogger(__name__)


class Delivery:
    """Works on one approval at a time; `reach` marks the points where a process may die."""

    def __init__(
        self,
        outbox: Outbox,
        ledger: Ledger,
        directory: Directory,
        summaries: Summaries,
        copies: Copies,
        thread: ThreadLines,
        reach: Callable[[str], None],
    ) -> None:
        self._outbox = outbox
        self._copies = copies
        self._summaries = summaries
        self._ledger = ledger
        self._directory = directory
        self._reach = reach
        self._gone: set[Place] = set()
        self._thread = thread
        self._began: dict[str, float] = {}
        self._showing: dict[Place, str] = {}

    def take_over(self) -> None:
        """Forget what this process knew: another one was the courier until now."""
        self._summaries.take_over()

    def took_over(self, approvals: Sequence[Approval], at: datetime) -> None:
        """Learn from these, some of all, what it did until now, `at` (UTC)."""
        self._copies.took_over(approvals, at)
        self._summaries.took_over(approvals, at)
        self._thread.took_over(approvals)

    async def attend(self, name: str) -> None:
        """Bring every card of an approval up to date.

        Raises NotTaken for the first that Slack did not take; the others are
        brought up to date all the same.
        """
        approval = await self._ledger.approval(name)
        if approval is None:
            return
        refused: list[NotTaken] = []
        lacking = list(self._without_card(approval))
        if not lacking:
            self._began.pop(name, None)
            self._outbox.leave(name)
        for team in lacking:
            await _try(self._post(approval, team), refused)
        for painted in approval.cards:
            await _try(self._repaint(approval, painted), refused)
        raise_first(refused)

    def _without_card(self, approval: Approval) -> Iterator[Team]:
        """Yield the teams that still need a card; teams that share a channel need one."""
        if approval.status is not ApprovalStatus.PENDING:
            return
        standing = [
            painted
            for painted in approval.cards
            if Place(painted.channel, painted.ts) not in self._gone
            and not (approval.own_card and painted.members)
        ]
        served = {painted.channel for painted in standing}
        teams = {painted.team for painted in standing}
        asked = [term.team for term in approval.request.terms]
        for name in (*asked, *approval.patience.escalated.values()):
            team = self._directory.teams.get(name)
            if team is None or team.name in teams or team.channel in served:
                continue
            served.add(team.channel)
            yield team

    async def _post(self, approval: Approval, team: Team) -> None:
        now = asyncio.get_running_loop().time
        began = self._began.setdefault(approval.id, now())
        try:
            if await self._copies.turned_up(approval, team):
                return
            shares = self._summaries.shares(approval, team)
            if not shares or not await self._summaries.post(approval, team):
                await self._post_alone(approval, team)
        except NotTaken as refused:
            if refused.code is not None:
                await self._undeliverable(approval, team, refused.code)
            elif refused.away and now() >= began + AWAY:
                await self._undeliverable(approval, team, _UNANSWERED)
            raise

    async def _post_alone(self, approval: Approval, team: Team) -> None:
        self._summaries.posting(approval, team)
        made = await self._drawn(approval, approval.position)
        with self._copies.posting([approval], team.channel):
            await self._send(approval, team, made)

    async def _send(self, approval: Approval, team: Team, made: Card) -> None:
        mark = Mark(approval.id, approval.position)
        self._reach("card-sending")
        try:
            place = await self._outbox.post(team.channel, made.text, list(made.blocks), mark)
        except NotTaken:
            self._summaries.not_posted(approval, team)
            raise
        self._reach("card-sent")
        await self._record(
            RecordCard(
                id=f"card:{approval.id}:{place.channel}:{place.ts}",
                actor=ACTOR,
                approval=approval.id,
                team=team.name,
                channel=place.channel,
                ts=place.ts,
                revision=approval.position,
                blocks=made.json,
                sha256=made.sha256,
                whole=made.whole,
            )
        )
        self._reach("card-recorded")

    async def _repaint(self, approval: Approval, painted: PaintedCard) -> None:
        """Paint a card anew where it does not show what the ledger says."""
        place = Place(painted.channel, painted.ts)
        same = await self._shown(approval, painted, painted.revision)
        if same.sha256 == painted.sha256 or place in self._gone:
            return
        if await self._only_looks_different(approval, painted):
            return
        made = await self._shown(approval, painted, approval.position)
        try:
            await self._paint(made, approval, painted, place)
            await self._tell(approval, place, painted)
        except NotTaken as refused:
            if not self._give_up(approval, place, refused):
                raise
            return
        await self._record(
            RecordRepaint(
                id=f"repaint:{approval.id}:{place.channel}:{place.ts}:{approval.position}",
                actor=ACTOR,
                approval=approval.id,
                channel=place.channel,
                ts=place.ts,
                revision=approval.position,
                blocks=made.json,
                sha256=made.sha256,
            )
        )
        self._thread.recorded(approval.id, place)
        self._showing.pop(place, None)

    async def _shown(self, approval: Approval, painted: PaintedCard, revision: int) -> Card | Item:
        """Return what a card has to show of an approval: all of it, or its part of it."""
        if painted.members:
            frozen = await frozen_line(self._ledger, approval)
            return part_of(approval, painted, revision, frozen)
        return await self._drawn(approval, revision)

    async def _drawn(self, approval: Approval, revision: int) -> Card:
        """Return the whole card, which says where what it is about is frozen."""
        made = await drawn(approval, self._directory, revision)
        frozen = await frozen_line(self._ledger, approval)
        return with_line(made, frozen, f"{approval.id}:{revision}")

    async def _paint(
        self, made: Card | Item, approval: Approval, painted: PaintedCard, place: Place
    ) -> None:
        """Paint a card as it has to look, unless this process has done so. Raises NotTaken.

        INVARIANT: what is painted is what is recorded of it; it is drawn once.
        """
        if not isinstance(made, Card):
            await self._summaries.paint(painted, approval)
            return
        if self._showing.get(place) != made.sha256:
            await self._outbox.update(place, made.text, list(made.blocks))
            self._reach("card-repainted")
            self._showing[place] = made.sha256

    async def _only_looks_different(self, approval: Approval, painted: PaintedCard) -> bool:
        """Tell whether a card of what has ended was just drawn by another version of Placet."""
        if approval.open or not painted.sha256:
            return False
        news = await self._news(approval, painted.revision)
        return not thread_blocks(approval, news, painted.channel, self._directory)

    async def _tell(self, approval: Approval, place: Place, painted: PaintedCard) -> None:
        """Reply with what happened since a card was painted, each event once."""
        blocks = await self._untold(approval, place, painted.revision)
        if not blocks:
            return
        since = await self._thread.told(approval.id, place, painted.revision)
        if since > painted.revision:
            blocks = await self._untold(approval, place, since)
        if blocks:
            about = [about_block(approval)] if painted.members else []
            text = thread_text(approval, blocks)
            await self._thread.tell(approval.id, place, approval.position, text, about + blocks)
            self._reach("line-sent")

    async def _untold(self, approval: Approval, place: Place, since: int) -> list[Block]:
        """Return what happened after position `since`, as a thread tells it."""
        news = await self._news(approval, since)
        held = await delegations_in_force(self._ledger) if news else []
        return thread_blocks(approval, news, place.channel, self._directory, held)

    async def _news(self, approval: Approval, since: int) -> Sequence[Recorded]:
        """Return what the approval and the calls that used it went through after `since`."""
        streams = [f"approval-{approval.id}"]
        if approval.dispatched_call:
            streams.append(f"call-{approval.dispatched_call}")
        streams += [f"call-{call}" for call in approval.continuations.values()]
        found = [
            one
            for stream in streams
            for one in await self._ledger.events(after=since, stream=stream)
            if one.position <= approval.position
        ]
        return sorted(found, key=lambda one: one.position)

    def _give_up(self, approval: Approval, place: Place, refused: NotTaken) -> bool:
        """Tell whether a card cannot be painted any more: it is gone, or nobody needs it."""
        lost = refused.code in _GONE
        if not lost and (refused.code is None or approval.open):
            return False
        _LOG.warning(
            "the card of %s cannot be painted: %s",
            approval.id,
            refused,
            extra={"approval": approval.id},
        )
        self._gone.add(place)
        if lost and approval.status is ApprovalStatus.PENDING:
            raise NotTaken("the card was deleted; it is posted anew", None, 0.0)
        return True

    async def _undeliverable(self, approval: Approval, team: Team, code: str) -> None:
        if approval.undeliverable.get(team.name) == code:
            return
        await self._record(
            RecordUndeliverable(
                id=f"undeliverable:{approval.id}:{team.name}:{approval.position}",
                actor=ACTOR,
                approval=approval.id,
                team=team.name,
                channel=team.channel,
                error=code,
            )
        )

    async def _record(self, command: Command) -> None:
        await record(self._ledger, command)


async def _try(work: Coroutine[Any, Any, None], refused: list[NotTaken]) -> None:
    try:
        await work
    except NotTaken as error:
        refused.append(error)
