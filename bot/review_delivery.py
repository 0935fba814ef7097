"""Brings the cards about one server's changed tools to where the ledger stands."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence

from bot.outbox import NotTaken, Outbox, Place
from bot.review_cards import ReviewCard, review_card
from ledger.envelopes import Command
from ledger.ledger import Ledger
from ledger.review_events import ShownTool
from ledger.reviews import RecordReview, RecordReviewRepaint, Review
from ledger.tools import SeenTool, waiting
from ledger.unavailable import LedgerUnavailable
from policies.people import Directory

_ACTOR = "placet:courier"
_AGAIN = 0.5
_GONE = frozenset({"message_not_found", "channel_not_found"})
_LOG = logging.getLogger(__name__)


class ReviewDelivery:
    """Works on one server at a time: one card for all that waits there, older ones repainted."""

    def __init__(self, outbox: Outbox, ledger: Ledger, directory: Directory) -> None:
        self._outbox = outbox
        self._ledger = ledger
        self._directory = directory

    @property
    def servers(self) -> Iterable[str]:
        """The servers that a team owns."""
        return self._directory.server_teams

    async def attend(self, server: str) -> None:
        """Post a card where something waits that none shows, and paint the others anew.

        Raises NotTaken where Slack did not take one.
        """
        tools = {tool.tool: tool for tool in await self._ledger.tools(server)}
        open_ones = [one for one in await self._ledger.reviews(server) if one.open]
        waits = waiting(tools.values())
        wanted = {ShownTool(tool=tool.tool, hash=tool.hash) for tool in waits}
        newest = open_ones[-1] if open_ones else None
        missing = wanted - set(newest.tools) if newest else wanted
        if missing:
            await self._post(server, waits, tools)
        for review in open_ones:
            await self._repaint(review, tools, replaced=bool(missing) or review is not newest)

    async def _post(
        self, server: str, waits: Sequence[SeenTool], tools: Mapping[str, SeenTool]
    ) -> None:
        team = self._directory.teams.get(self._directory.server_teams.get(server, ""))
        if team is None:
            return
        revision = max(tool.position for tool in waits)
        review = f"rev_{revision}"
        shown = tuple(ShownTool(tool=tool.tool, hash=tool.hash) for tool in waits)
        made = await _drawn(review, server, team.name, shown, tools, replaced=False)
        place = await self._outbox.announce(team.channel, made.text, list(made.blocks))
        await self._record(
            RecordReview(
                id=f"review:{review}:{place.channel}:{place.ts}",
                actor=_ACTOR,
                review=review,
                server=server,
                team=team.name,
                channel=place.channel,
                ts=place.ts,
                revision=revision,
                tools=shown,
                blocks=made.json,
                sha256=made.sha256,
                whole=made.whole,
            )
        )

    async def _repaint(
        self, review: Review, tools: Mapping[str, SeenTool], *, replaced: bool
    ) -> None:
        made = await _drawn(
            review.id, review.server, review.team, review.tools, tools, replaced=replaced
        )
        if made.sha256 == review.sha256:
            return
        try:
            await self._outbox.update(
                Place(review.channel, review.ts), made.text, list(made.blocks)
            )
        except NotTaken as refused:
            if refused.code not in _GONE:
                raise
            _LOG.warning("the card of %s cannot be painted: %s", review.id, refused)
        revision = max([review.revision, *(tool.position for tool in tools.values())])
        await self._record(
            RecordReviewRepaint(
                id=f"repaint:{review.id}:{made.sha256}:{review.position}",
                actor=_ACTOR,
                review=review.id,
                revision=revision,
                blocks=made.json,
                sha256=made.sha256,
                closed=made.closed,
            )
        )

    async def _record(self, command: Command) -> None:
        """Record what has happened in Slack, trying until the ledger takes it."""
        while True:
            try:
                await self._ledger.execute(command)
            except LedgerUnavailable as away:
                _LOG.warning("a delivery is not recorded yet: %s", away)
                await asyncio.sleep(_AGAIN)
            else:
                return


async def _drawn(
    review: str,
    server: str,
    team: str,
    shown: Sequence[ShownTool],
    tools: Mapping[str, SeenTool],
    *,
    replaced: bool,
) -> ReviewCard:
    """Return the card, drawn in a thread: definitions may be large."""
    return await asyncio.to_thread(
        review_card, review, server, team, shown, tools, replaced=replaced
    )
