"""Brings the messages about freezes, requests and the like to where the ledger stands."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

from bot.channels.recording import ACTOR, record
from bot.drawing.notices import Wanted
from bot.slack.outbox import NotTaken, Outbox, Place, raise_first
from ledger.ledger import Ledger
from ledger.lives.notices import Notice, RecordNotice, RecordNoticeRepaint
from ledger.views.notice_readings import notices_about, subjects_of_open_notices

Compose: TypeAlias = Callable[[str], Awaitable[Sequence[Wanted]]]
"""Returns what channels are to be told of the thing with this id."""

_GONE = frozenset({"message_not_found", "thread_not_found"})
_LOG = logging.getLogger(__name__)


class NoticeDelivery:
    """Works on one thing at a time, named as `kind:id`; `composers` are by kind."""

    def __init__(
        self,
        outbox: Outbox,
        ledger: Ledger,
        composers: Mapping[str, Compose],
        live: Callable[[], Awaitable[set[str]]],
    ) -> None:
        """Take the collaborators; `live` returns what is in force of these kinds."""
        self._live = live
        self._outbox = outbox
        self._ledger = ledger
        self._composers = composers

    def knows(self, about: str) -> bool:
        """Tell whether something is named so that channels are told of."""
        kind, colon, _ = about.partition(":")
        return bool(colon) and kind in self._composers

    async def subjects(self) -> set[str]:
        """Return all that some channel may have to be told of, or told anew."""
        return await subjects_of_open_notices(self._ledger) | await self._live()

    async def attend(self, about: str) -> None:
        """Post what no channel was told yet, and paint anew what stands there otherwise.

        Raises NotTaken for the first that Slack did not take; the others are
        brought up to date all the same.
        """
        kind, _, name = about.partition(":")
        known = await notices_about(self._ledger, about)
        refused: list[NotTaken] = []
        for message in await self._composers[kind](name):
            try:
                standing = known.get(message.id(about))
                if standing is None:
                    if message.late:
                        await self._post(about, message)
                elif standing.open:
                    await self._repaint(standing, message)
            except NotTaken as error:
                refused.append(error)
        raise_first(refused)

    async def _post(self, about: str, message: Wanted) -> None:
        place = await self._outbox.announce(message.channel, message.text, list(message.blocks))
        notice = message.id(about)
        await record(
            self._ledger,
            RecordNotice(
                id=f"notice:{notice}:{place.channel}:{place.ts}",
                actor=ACTOR,
                notice=notice,
                about=about,
                team=message.team,
                channel=place.channel,
                ts=place.ts,
                blocks=message.json,
                sha256=message.sha256,
            ),
        )

    async def _repaint(self, standing: Notice, message: Wanted) -> None:
        if message.sha256 == standing.sha256 and not message.closed:
            return
        place = Place(standing.channel, standing.ts)
        try:
            if message.sha256 != standing.sha256:
                await self._outbox.update(place, message.text, list(message.blocks))
                if message.news:
                    await self._outbox.reply(place, message.text, list(message.news))
        except NotTaken as refused:
            if refused.code not in _GONE:
                raise
            _LOG.warning("a message about %s is gone: %s", standing.about, refused)
        await record(
            self._ledger,
            RecordNoticeRepaint(
                id=f"notice:{standing.id}:{message.sha256}:{standing.position}",
                actor=ACTOR,
                notice=standing.id,
                blocks=message.json,
                sha256=message.sha256,
                closed=message.closed,
            ),
        )
