"""Sends messages to channels, and says of a failure whether waiting helps."""

from dataclasses import dataclass
from typing import Any

import aiohttp

from bot.slack.client import UNREACHABLE, SlackClient, code_of, reason_of, wait_of
from bot.slack.marks import Mark
from bot.slack.pieces import Block
from bot.slack.published_rates import POST
from bot.slack.rates import Rates
from policies.values.refusals import Refused

_PASSING = frozenset(
    {
        "fatal_error",
        "internal_error",
        "ratelimited",
        "rate_limited",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
    }
)
"""Error codes by which Slack says that it, not the message, is in trouble."""

_HALFWAY = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable"})
"""Error codes after which some of what was asked may have been done."""


class NotTaken(Refused):
    """Slack took no message; `code` is its error where the message or the place is wrong.

    `code` is None where Slack is away or asks to wait, `wait` seconds if it says how long.
    `unsure` tells that Slack may have taken it all the same: only its answer is missing.
    `away` tells that Slack did not answer, or not as it should.
    """

    def __init__(
        self,
        message: str,
        code: str | None,
        wait: float | None,
        *,
        unsure: bool = False,
        away: bool = False,
    ) -> None:
        """Keep code and wait beside the message."""
        super().__init__(message)
        self.code = code
        self.wait = wait
        self.unsure = unsure
        self.away = away


_UPDATE = "chat.update"


@dataclass(frozen=True)
class Place:
    """Where a message stands: the channel's id and the message's timestamp."""

    channel: str
    ts: str


class Outbox:
    """Posts, updates and replies. Tries once: the courier knows when to try again.

    INVARIANT: nothing is sent faster than Slack's published rates, nor before
    Slack's own `Retry-After` is over. Cards go before the lines in threads.
    """

    def __init__(self, slack: SlackClient, rates: Rates) -> None:
        """Send with `slack`, which keeps to no rates by itself, as `rates` allow."""
        self._slack = slack
        self._rates = rates

    async def post(self, channel: str, text: str, blocks: list[Block], mark: Mark) -> Place:
        """Post a card, with the mark by which it is known again. Raises NotTaken.

        Source: https://docs.slack.dev/reference/methods/chat.postMessage
        """
        self._wait(POST, channel, mark.approval)
        return await self._send(POST, channel, text, blocks, metadata=mark.metadata)

    def leave(self, approval: str) -> None:
        """Let others pass: an approval needs no card any more that it would wait to post."""
        self._rates.leave(approval)

    async def announce(self, channel: str, text: str, blocks: list[Block]) -> Place:
        """Post a message that is about no approval. Raises NotTaken."""
        self._wait(POST, channel, text)
        return await self._send(POST, channel, text, blocks)

    async def reply(
        self, place: Place, text: str, blocks: list[Block], mark: Mark | None = None
    ) -> Place:
        """Reply in a thread, with the mark by which the line is known again. Raises NotTaken."""
        self._wait(POST, place.channel, place.ts, later=True)
        known = {"metadata": mark.metadata} if mark else {}
        return await self._send(POST, place.channel, text, blocks, thread_ts=place.ts, **known)

    async def update(self, place: Place, text: str, blocks: list[Block]) -> Place:
        """Paint a message anew. Raises NotTaken.

        Source: https://docs.slack.dev/reference/methods/chat.update
        """
        self._wait(_UPDATE, place.channel, f"{place.channel}/{place.ts}")
        return await self._send(_UPDATE, place.channel, text, blocks, ts=place.ts)

    def _wait(self, method: str, channel: str, who: str, *, later: bool = False) -> None:
        wait = self._rates.wait(method, channel, who, later=later)
        if wait:
            raise NotTaken("messages are sent as fast as Slack allows", None, wait)

    async def _send(
        self, method: str, channel: str, text: str, blocks: list[Block], **more: Any
    ) -> Place:
        message = {
            "channel": channel,
            "text": text,
            "blocks": blocks,
            "parse": "none",
            "link_names": False,
            "mrkdwn": False,
            "unfurl_links": False,
            "unfurl_media": False,
            **more,
        }
        if method == _UPDATE:
            for unknown in ("mrkdwn", "unfurl_links", "unfurl_media"):
                del message[unknown]
        try:
            said = await self._slack.api_call(method, json=message)
        except UNREACHABLE as error:
            asked = wait_of(error)
            if asked is not None:
                self._rates.close(method, channel, asked)
            raise not_taken(error) from error
        finally:
            self._rates.answered(method, channel)
        where, ts = said.get("channel"), said.get("ts")
        if not isinstance(where, str) or not isinstance(ts, str):
            raise NotTaken("Slack's answer names no message", None, None, unsure=True)
        return Place(where, ts)


def raise_first(refused: list[NotTaken]) -> None:
    """Raise the first of these if there is one; the list is empty then.

    An error holds the frames that it passed, and all cards in them. One that a
    frame holds in turn stays with them until waste is collected.
    """
    if refused:
        first = refused[0]
        refused.clear()
        try:
            raise first
        finally:
            del first


def not_taken(error: Exception) -> NotTaken:
    """Return what the failure of a call means for whoever asked it."""
    code = code_of(error)
    lasting = code if code is not None and code not in _PASSING else None
    wait = wait_of(error)
    away = lasting is None and wait is None
    return NotTaken(reason_of(error), lasting, wait, unsure=_unsure(error), away=away)


def _unsure(error: Exception) -> bool:
    """Tell whether Slack may have done what it did not say it has."""
    if isinstance(error, aiohttp.ClientConnectorError) or wait_of(error) is not None:
        return False
    code = code_of(error)
    return code is None or code in _HALFWAY
