"""Sends messages to channels, and says of a failure whether waiting helps."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.client import UNREACHABLE, SlackClient, code_of, reason_of, wait_of
from bot.pieces import Block
from policies.refusals import Refused

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


class NotTaken(Refused):
    """Slack took no message; `code` is its error where the message or the place is wrong.

    `code` is None where Slack is away or asks to wait, `wait` seconds if it says how long.
    """

    def __init__(self, message: str, code: str | None, wait: float | None) -> None:
        """Keep code and wait beside the message."""
        super().__init__(message)
        self.code = code
        self.wait = wait


@dataclass(frozen=True)
class Place:
    """Where a message stands: the channel's id and the message's timestamp."""

    channel: str
    ts: str


class Pace:
    """Keeps a method within its rate: at most `most` calls in `within` seconds of `clock`."""

    def __init__(self, most: int, within: float, clock: Callable[[], float]) -> None:
        self._within = within
        self._clock = clock
        self._calls: deque[float] = deque(maxlen=most)

    def wait(self) -> float:
        """Return 0.0 and count a call, or the seconds until one is allowed."""
        now = self._clock()
        full = len(self._calls) == self._calls.maxlen
        if full and now - self._calls[0] < self._within:
            return self._within - (now - self._calls[0])
        self._calls.append(now)
        return 0.0


class Outbox:
    """Posts, updates and replies. Tries once: the courier knows when to try again.

    Updates are kept under Slack's 50 a minute for all cards together. Source:
    https://docs.slack.dev/apis/web-api/rate-limits
    """

    def __init__(self, slack: SlackClient, updates: Pace) -> None:
        self._slack = slack
        self._updates = updates

    async def post(self, channel: str, text: str, blocks: list[Block], approval: str) -> Place:
        """Post a card. Raises NotTaken.

        Source: https://docs.slack.dev/reference/methods/chat.postMessage
        """
        metadata = {"event_type": "placet_approval", "event_payload": {"approval": approval}}
        return await self._send("chat.postMessage", channel, text, blocks, metadata=metadata)

    async def announce(self, channel: str, text: str, blocks: list[Block]) -> Place:
        """Post a message that is about no approval. Raises NotTaken."""
        return await self._send("chat.postMessage", channel, text, blocks)

    async def reply(self, place: Place, text: str, blocks: list[Block]) -> Place:
        """Reply in a card's thread. Raises NotTaken."""
        return await self._send("chat.postMessage", place.channel, text, blocks, thread_ts=place.ts)

    async def update(self, place: Place, text: str, blocks: list[Block]) -> Place:
        """Paint a message anew. Raises NotTaken.

        Source: https://docs.slack.dev/reference/methods/chat.update
        """
        wait = self._updates.wait()
        if wait:
            raise NotTaken("cards are painted anew 45 times a minute at most", None, wait)
        return await self._send("chat.update", place.channel, text, blocks, ts=place.ts)

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
        if method == "chat.update":
            for unknown in ("mrkdwn", "unfurl_links", "unfurl_media"):
                del message[unknown]
        try:
            said = await self._slack.api_call(method, json=message)
        except UNREACHABLE as error:
            raise _not_taken(error) from error
        where, ts = said.get("channel"), said.get("ts")
        if not isinstance(where, str) or not isinstance(ts, str):
            raise NotTaken("Slack's answer names no message", None, None)
        return Place(where, ts)


def _not_taken(error: Exception) -> NotTaken:
    code = code_of(error)
    lasting = code if code is not None and code not in _PASSING else None
    return NotTaken(reason_of(error), lasting, wait_of(error))
