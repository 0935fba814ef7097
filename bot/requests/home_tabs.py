"""Shows each person the home tab, and shows it anew when something on it changes."""

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence

from bot.desk.desk import Desk
from bot.drawing.home_view import home_view
from bot.requests.home_facts import home_facts
from bot.slack.client import UNREACHABLE, reason_of, wait_of
from bot.slack.pieces import blocks_json
from ledger.events.card_events import CardFound, CardPosted, CardRepainted, DetailsViewed
from ledger.events.envelopes import Recorded
from ledger.events.notice_events import NoticePosted, NoticeRepainted
from policies.values.refusals import Refused

_REST = 2.0
"""Seconds between two rounds of showing, unless somebody opens theirs."""

_KEPT = 30 * 60.0
_MOST = 50
_NEWS = 300
_QUIET = (CardPosted, CardRepainted, CardFound, DetailsViewed, NoticePosted, NoticeRepainted)
_LOG = logging.getLogger(__name__)


class HomeTabs:
    """Remembers for half an hour who opened the tab, 50 people at most; it decides nothing."""

    def __init__(self, desk: Desk) -> None:
        """Show nothing before `start`."""
        self._desk = desk
        self._opened: OrderedDict[str, float] = OrderedDict()
        self._news: dict[str, str] = {}
        self._shown: dict[str, str] = {}
        self._due: set[str] = set()
        self._woken = asyncio.Event()
        self._hurried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._leave: Callable[[], None] | None = None

    def start(self) -> None:
        """Begin to follow the ledger."""
        self._desk.asides.listen(self._say)
        self._leave = self._desk.ledger.observe(self._heard, plain_calls=False)
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Show nothing any more."""
        if self._leave is not None:
            self._leave()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def opened(self, slack: str) -> None:
        """Show a person (`T…/U…`) the tab that they have just opened."""
        self._opened[slack] = asyncio.get_running_loop().time()
        self._opened.move_to_end(slack)
        while len(self._opened) > _MOST:
            forgotten, _ = self._opened.popitem(last=False)
            self._news.pop(forgotten, None)
            self._shown.pop(forgotten, None)
        self._shown.pop(slack, None)
        self._make_due(slack)
        self._hurried.set()

    def _say(self, slack: str, text: str) -> None:
        self._news[slack] = text[:_NEWS]
        self.opened(slack)

    def _heard(self, recorded: Sequence[Recorded]) -> None:
        if any(not isinstance(one.event, _QUIET) for one in recorded):
            self._make_due(*self._opened)

    def _make_due(self, *people: str) -> None:
        self._due.update(people)
        if self._due:
            self._woken.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._woken.wait()
            self._woken.clear()
            self._hurried.clear()
            due, self._due = self._due, set()
            for slack in due:
                if loop.time() - self._opened.get(slack, float("-inf")) < _KEPT:
                    await self._show(slack)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurried.wait(), _REST)

    async def _show(self, slack: str) -> None:
        """Publish one person's tab where it changed; a failure is logged, the next change mends it.

        What Slack's rates have no room for is published in the next round.

        Source: https://docs.slack.dev/reference/methods/views.publish
        """
        try:
            facts = await home_facts(self._desk, slack, self._news.get(slack, ""))
            view = home_view(facts, self._desk.directory)
            looks = blocks_json(view["blocks"])
            if self._shown.get(slack) == looks:
                return
            await self._desk.slack.views_publish(user_id=slack.rpartition("/")[2], view=view)
            self._shown[slack] = looks
        except UNREACHABLE as error:
            if wait_of(error) is not None:
                self._make_due(slack)
            _LOG.warning("a home tab could not be shown: %s", reason_of(error))
        except Refused as away:
            _LOG.warning("a home tab could not be shown: %s", away)
        except Exception:  # noqa: BLE001 (the edge of the home tabs: logged, the others are shown)
            _LOG.exception("a home tab could not be shown")
