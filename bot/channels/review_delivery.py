"""Brings the cards about one server's changed tools to where the ledger stands."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from bot.channels.recording import ACTOR, record
from bot.channels.review_pace import ReviewPace
from bot.drawing.review_cards import ReviewCard as Drawn
from bot.drawing.review_cards import review_card
from bot.drawing.review_facts import Showing, showing
from bot.slack.outbox import NotTaken, Outbox, Place, raise_first
from ledger.events.envelopes import Command
from ledger.events.review_events import ShownTool
from ledger.ledger import Ledger
from ledger.lives.reviews import (
    RecordReview,
    RecordReviewGone,
    RecordReviewRepaint,
    Review,
    ReviewCard,
)
from ledger.lives.servers import KnownServer
from ledger.lives.tools import SeenTool, waiting
from ledger.views.barring import Weigh
from policies.people.people import Directory

_LOG = logging.getLogger(__name__)


class ReviewDelivery:
    """Works on one server at a time: one card for all that waits there, older ones repainted."""

    def __init__(
        self,
        outbox: Outbox,
        ledger: Ledger,
        directory: Directory,
        weigh: Weigh,
        pace: ReviewPace,
    ) -> None:
        """Take the collaborators; `weigh` says how risky a tool is, `pace` how often to post."""
        self._outbox = outbox
        self._ledger = ledger
        self._directory = directory
        self._weigh = weigh
        self._pace = pace

    @property
    def servers(self) -> Iterable[str]:
        """The servers that a team owns."""
        return self._directory.server_teams

    async def attend(self, server: str) -> None:
        """Post a card where something waits that none shows, and paint the others anew.

        Raises NotTaken for the first that Slack did not take, or that comes too
        soon after the last; the others are brought up to date all the same.
        """
        reviews = await self._ledger.reviews(server)
        standing = [one for one in reviews if one.open]
        newest = standing[-1] if standing else None
        waits = waiting(await self._ledger.tools(server))
        told = _told(await self._ledger.server(server))
        refused: list[NotTaken] = []
        posted = False
        if _missing(waits, told, newest):
            try:
                posted = await self._post(server, waits, told, reviews)
            except NotTaken as error:
                refused.append(error)
        for review in standing:
            replaced = posted or review is not newest
            for card in review.cards:
                try:
                    await self._repaint(review, card, replaced=replaced)
                except NotTaken as error:
                    refused.append(error)
        raise_first(refused)

    async def _post(
        self,
        server: str,
        waits: Sequence[SeenTool],
        told: "_Told | None",
        reviews: Sequence[Review],
    ) -> bool:
        """Post a card, and return whether there is a team to post it to. Raises NotTaken."""
        team = self._directory.teams.get(self._directory.server_teams.get(server, ""))
        if team is None:
            return False
        wait = self._pace.wait(server)
        if wait:
            raise NotTaken(f"the tools of {server} change too often for a card each", None, wait)
        revision = max([told.position if told else 0, *(tool.position for tool in waits)])
        shows = await showing(
            self._ledger,
            _new_name(revision, reviews),
            server,
            team.name,
            [ShownTool(tool=t.tool, hash=t.hash, before=t.accepted or "") for t in waits],
            told.hashes if told else None,
        )
        made = await self._drawn(shows)
        place = await self._outbox.announce(team.channel, made.text, list(made.blocks))
        self._pace.posted(server)
        await self._record(_posted(shows, made, place, revision))
        return True

    async def _repaint(self, review: Review, card: ReviewCard, *, replaced: bool) -> None:
        """Paint a card anew where it does not show what the ledger says. Raises NotTaken."""
        if card.closed:
            return
        shows = await showing(
            self._ledger,
            review.id,
            review.server,
            review.team,
            review.tools,
            review.instructions,
            replaced=replaced,
        )
        made = await self._drawn(shows)
        if made.sha256 == card.sha256 and not made.closed:
            return
        if made.sha256 != card.sha256:
            place = Place(card.channel, card.ts)
            try:
                await self._outbox.update(place, made.text, list(made.blocks))
            except NotTaken as refused:
                await self._gone(review, card, refused)
        await self._record(_painted(review, card, shows, made))

    async def _gone(self, review: Review, card: ReviewCard, refused: NotTaken) -> NoReturn:
        """Give a card up that Slack will not paint any more; what waits gets another one.

        Raises NotTaken, so that the server is looked at again: at once, or
        later where Slack is only away.
        """
        if refused.code is None:
            raise refused
        _LOG.warning("the card of %s cannot be painted: %s", review.id, refused)
        await self._record(
            RecordReviewGone(
                id=f"gone:{review.id}:{card.channel}:{card.ts}",
                actor=ACTOR,
                review=review.id,
                channel=card.channel,
                ts=card.ts,
            )
        )
        raise NotTaken("a card was lost; what waits is posted anew", None, 0.0)

    async def _drawn(self, shows: Showing) -> Drawn:
        """Return the card, drawn in a thread: definitions may be large."""
        return await asyncio.to_thread(review_card, shows, self._directory, self._weigh)

    async def _record(self, command: Command) -> None:
        await record(self._ledger, command)


def _posted(shows: Showing, made: Drawn, place: Place, revision: int) -> RecordReview:
    return RecordReview(
        id=f"review:{shows.review}:{place.channel}:{place.ts}",
        actor=ACTOR,
        review=shows.review,
        server=shows.server,
        team=shows.team,
        channel=place.channel,
        ts=place.ts,
        revision=revision,
        tools=tuple(change.shown for change in shows.changes),
        instructions=shows.instructions,
        blocks=made.json,
        sha256=made.sha256,
        whole=made.whole,
    )


def _painted(review: Review, card: ReviewCard, shows: Showing, made: Drawn) -> RecordReviewRepaint:
    newest = max((change.now.position for change in shows.changes if change.now), default=0)
    return RecordReviewRepaint(
        id=f"repaint:{review.id}:{card.channel}:{card.ts}:{made.sha256}:{review.position}",
        actor=ACTOR,
        review=review.id,
        channel=card.channel,
        ts=card.ts,
        revision=max(review.revision, newest),
        blocks=made.json,
        sha256=made.sha256,
        closed=made.closed,
    )


@dataclass(frozen=True)
class _Told:
    """Instructions that somebody has to accept, by hash: those of before and those of now."""

    hashes: tuple[str, str]
    position: int


def _told(server: KnownServer | None) -> _Told | None:
    if server is None or server.awaits is None:
        return None
    return _Told((server.standing, server.awaits), server.changed or 0)


def _missing(waits: Sequence[SeenTool], told: _Told | None, newest: Review | None) -> bool:
    """Tell whether something waits that the newest card does not show."""
    shown = {(one.tool, one.hash) for one in newest.tools} if newest else set()
    read = newest.instructions if newest else None
    if told is not None and (read is None or read[1] != told.hashes[1]):
        return True
    return any((tool.tool, tool.hash) not in shown for tool in waits)


def _new_name(revision: int, reviews: Sequence[Review]) -> str:
    """Return a name that no card has: a card that was deleted may be followed by its like."""
    taken = {review.id for review in reviews}
    name = f"rev_{revision}"
    again = 1
    while name in taken:
        again += 1
        name = f"rev_{revision}_{again}"
    return name
