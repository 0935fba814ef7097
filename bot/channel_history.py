"""Reads back from a channel which cards the bot has posted there."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.client import UNREACHABLE, SlackClient, wait_of
from bot.home import Home, HomeFinder
from bot.marks import Mark, mark_of
from bot.outbox import NotTaken, Place, not_taken
from bot.rates import Rates

HISTORY = "conversations.history"

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
        home = self._finder.home
        if home is None:
            raise NotTaken("Slack has not said yet who the bot is", None, None)
        oldest = f"{since.timestamp() - _EARLIER:.6f}"
        found: list[Sighting] = []
        cursor = ""
        for _ in range(_PAGES):
            said = await self._page(channel, oldest, cursor)
            found += sightings(said.get("messages"), channel, home)
            cursor = _next(said)
            if not cursor:
                break
        return found

    async def _page(self, channel: str, oldest: str, cursor: str) -> dict[str, Any]:
        """Return one page of a channel's messages, newest first. Raises NotTaken.

        Source: https://docs.slack.dev/reference/methods/conversations.history
        """
        wait = self._rates.wait(HISTORY, who=f"{channel} {cursor}")
        if wait:
            raise NotTaken("a channel is read as often as Slack allows", None, wait)
        asked = {"channel": channel, "oldest": oldest, "limit": _PAGE, "inclusive": True}
        asked |= {"include_all_metadata": True} | ({"cursor": cursor} if cursor else {})
        try:
            said = await self._slack.api_call(HISTORY, data=asked)
        except UNREACHABLE as error:
            asked_to_wait = wait_of(error)
            if asked_to_wait is not None:
                self._rates.close(HISTORY, "", asked_to_wait)
            raise not_taken(error) from error
        finally:
            self._rates.answered(HISTORY)
        return said.data if isinstance(said.data, dict) else {}


def sightings(messages: Any, channel: str, home: Home) -> Iterator[Sighting]:
    """Yield the cards among messages that our own app has posted, by Slack's word."""
    for message in messages if isinstance(messages, list) else ():
        mark = mark_of(message)
        if mark is None or message.get("user") != home.bot_user:
            continue
        if home.app is not None and message.get("app_id") != home.app:
            continue
        ts = message.get("ts")
        if isinstance(ts, str) and message.get("thread_ts", ts) == ts:
            yield Sighting(Place(channel, ts), mark)


def _next(said: dict[str, Any]) -> str:
    more = said.get("response_metadata")
    cursor = more.get("next_cursor") if isinstance(more, dict) else None
    return cursor if isinstance(cursor, str) else ""
