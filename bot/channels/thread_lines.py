"""Posts what is told in the threads of cards: each line once, also where an answer was lost."""

import logging
import time
from collections.abc import Callable, Iterable

from bot.slack.channel_history import ChannelHistory
from bot.slack.marks import Mark
from bot.slack.outbox import NotTaken, Outbox, Place
from bot.slack.pieces import Block
from ledger.lives.approvals import Approval

PATIENCE = 15.0
"""Seconds for which a line waits for its thread to be read; then it is posted all the same."""

_LOG = logging.getLogger(__name__)

_Key = tuple[str, Place]


class ThreadLines:
    """Knows up to which position of the ledger each thread tells of an approval.

    Where Slack may have taken a line of which nobody knows, because its answer
    was lost or another process posted it, the thread is read before the next
    one. `clock` returns seconds that never go back.
    """

    def __init__(
        self,
        outbox: Outbox,
        history: ChannelHistory,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outbox = outbox
        self._history = history
        self._clock = clock
        self._told: dict[_Key, int] = {}
        self._doubted: dict[_Key, float | None] = {}

    def took_over(self, approvals: Iterable[Approval]) -> None:
        """Doubt what another process may have told of these, and did not come to record."""
        for approval in approvals:
            for card in approval.cards:
                if approval.position > card.revision:
                    self._doubted[approval.id, Place(card.channel, card.ts)] = None

    async def told(self, approval: str, place: Place, since: int) -> int:
        """Return up to which position the thread tells of an approval, `since` at least.

        Raises NotTaken where Slack cannot be asked at the moment.
        """
        key = (approval, place)
        if key in self._doubted:
            await self._look(key)
        return max(since, self._told.get(key, 0))

    async def tell(
        self, approval: str, place: Place, until: int, text: str, blocks: list[Block]
    ) -> None:
        """Post a line that tells of an approval up to position `until`. Raises NotTaken."""
        key = (approval, place)
        try:
            await self._outbox.reply(place, text, blocks, Mark(approval, until))
        except NotTaken as refused:
            if refused.unsure:
                self._doubted[key] = None
            raise
        self._told[key] = until

    def recorded(self, approval: str, place: Place) -> None:
        """Forget a thread: the ledger knows now how far it tells."""
        self._told.pop((approval, place), None)
        self._doubted.pop((approval, place), None)

    async def _look(self, key: _Key) -> None:
        """Read a thread, as far as Slack lets us."""
        approval, place = key
        began = self._doubted[key]
        try:
            marks = await self._history.replies(place)
        except NotTaken as refused:
            now = self._clock()
            began = self._doubted[key] = now if began is None else began
            if refused.code is None and now < began + PATIENCE:
                raise
            _LOG.warning("a line may stand twice in a thread of %s: %s", place.channel, refused)
            marks = []
        self._doubted.pop(key, None)
        found = [mark.revision for mark in marks if mark.approval == approval]
        self._told[key] = max([self._told.get(key, 0), *found])
