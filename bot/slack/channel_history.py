"""Reads back from a channel which cards the bot has posted there."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.slack.client import UNREACHABLE, SlackClient, wait_of
from bot.slack.home import Home, HomeFinder
from bot.slack.marks import Mark, mark_of
from bot.slack.outbox import NotTaken, Place, not_taken
from bot.slack.rates import Rates

HISTORY = "conversations.history"
REPLIES = "conversations.replies"

_PAGE = 200
_PAGES = 5
_EARLIER = 120.0
"""Seconds by which Slack's clock may be behind ours."""


@dataclass(frozen=True)
class Sighting:
    """A card that stands in a channel, and the mark that it carries."""

    place: Place
    mark: Mark


class ChannelHistory:
    """Asks Slack within its published rate; tries once, as whoever asks knows when to ask again."""

    def __init__(self, slack: SlackClient, rates: Rates, finder: HomeFinder) -> None:
        """Ask with `slack`, which keeps to no rates by itself, as `rates` allow."""
        self._slack = slack
        self._rates = rates
        self._finder = finder

    async def cards(self, channel: str, since: datetime) -> list[Sighting]:
        """Return our own cards that were posted since then, of the newest 1,000 messages.

        Raises NotTaken; its `code` is None where Slack is away or asks to wait.
        """
        oldest = f"{since.timestamp() - _EARLIER:.6f}"
        asked = {"channel": channel, "oldest": oldest, "inclusive": True}
        return list(sightings(await self._messages(HISTORY, asked), channel, self._home()))

    async def replies(self, place: Place) -> list[Mark]:
        """Return the marks of our own replies in a thread, of its first 1,000. Raises NotTaken."""
        asked = {"channel": place.channel, "ts": place.ts}
        found = await self._messages(REPLIES, asked)
        marked = own(found, self._home())
        return [mark for message, mark in marked if message.get("ts") != place.ts]

    def _home(self) -> Home:
        home = self._finder.home
        if home is None:
            raise NotTaken("Slack has not said yet who the bot is", None, None)
        return home

    async def _messages(self, method: str, asked: dict[str, Any]) -> list[Any]:
        """Return what a method tells of a channel, page by page. Raises NotTaken."""
        self._home()
        found: list[Any] = []
        cursor = ""
        for _ in range(_PAGES):
            more = {"cursor": cursor} if cursor else {}
            said = await self._page(method, asked | more)
            told = said.get("messages")
            found += told if isinstance(told, list) else []
            cursor = _next(said)
            if not cursor:
                break
        return found

    async def _page(self, method: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Return one page of messages. Raises NotTaken.

        Source: https://docs.slack.dev/reference/methods/conversations.history and .replies
        """
        wait = self._rates.wait(method, who=repr(asked))
        if wait:
            raise NotTaken("a channel is read as often as Slack allows", None, wait)
        wanted = asked | {"limit": _PAGE, "include_all_metadata": True}
        try:
            said = await self._slack.api_call(method, data=wanted)
        except UNREACHABLE as error:
            asked_to_wait = wait_of(error)
            if asked_to_wait is not None:
                self._rates.close(method, "", asked_to_wait)
            raise not_taken(error) from error
        finally:
            self._rates.answered(method)
        return said.data if isinstance(said.data, dict) else {}


def own(messages: Iterable[Any], home: Home) -> Iterator[tuple[dict[str, Any], Mark]]:
    """Yield the messages that carry a mark and that our own app has posted, by Slack's word."""
    for message in messages:
        mark = mark_of(message)
        if mark is None or message.get("user") != home.bot_user:
            continue
        if home.app is None or message.get("app_id") == home.app:
            yield message, mark


def sightings(messages: Iterable[Any], channel: str, home: Home) -> Iterator[Sighting]:
    """Yield the cards among messages that our own app has posted."""
    for message, mark in own(messages, home):
        ts = message.get("ts")
        if isinstance(ts, str) and message.get("thread_ts", ts) == ts:
            yield Sighting(Place(channel, ts), mark)


def _next(said: dict[str, Any]) -> str:
    more = said.get("response_metadata")
    cursor = more.get("next_cursor") if isinstance(more, dict) else None
    return cursor if isinstance(cursor, str) else ""
