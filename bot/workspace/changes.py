"""Tells pages and waiting tests what changed in the workspace."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

Found = TypeVar("Found")
FEED_LENGTH = 1000


@dataclass(frozen=True)
class Change:
    """A change for the page: its kind, its members, and who may see it (None: everybody)."""

    kind: str
    members: dict[str, Any]
    audience: frozenset[str] | None = None


@dataclass(eq=False)
class Feed:
    """The changes that one page has not read yet; a page too far behind starts afresh."""

    user: str
    queue: asyncio.Queue[Change | None] = field(
        default_factory=lambda: asyncio.Queue(FEED_LENGTH + 1)
    )
    behind: bool = False
    closed: bool = False

    def offer(self, change: Change) -> None:
        """Add a change, or note that this page must read the whole state again."""
        if change.audience is not None and self.user not in change.audience:
            return
        if self.queue.qsize() >= FEED_LENGTH:
            self.behind = True
            return
        self.queue.put_nowait(change)

    def close(self) -> None:
        """End the feed: its reader gets None after what it has not read yet."""
        self.closed = True
        with suppress(asyncio.QueueFull):
            self.queue.put_nowait(None)


class Changes:
    """Publishes changes to feeds and wakes those who wait for a condition."""

    def __init__(self) -> None:
        self._feeds: set[Feed] = set()
        self._next = asyncio.Event()

    def publish(self, kind: str, *, audience: frozenset[str] | None = None, **members: Any) -> None:
        """Tell every feed that may see it, and wake the waiting."""
        change = Change(kind, members, audience)
        for feed in self._feeds:
            feed.offer(change)
        woken, self._next = self._next, asyncio.Event()
        woken.set()

    def follow(self, user: str) -> Feed:
        """Return a new feed of what `user` may see; `leave` ends it."""
        feed = Feed(user)
        self._feeds.add(feed)
        return feed

    def leave(self, feed: Feed) -> None:
        """Forget a feed."""
        self._feeds.discard(feed)

    def close(self) -> None:
        """End every feed."""
        for feed in self._feeds:
            feed.close()

    async def until(self, found: Callable[[], Found | None], seconds: float) -> Found:
        """Return what `found` returns once that is not None, asking after each change.

        Raises TimeoutError after `seconds`.
        """
        async with asyncio.timeout(seconds):
            while True:
                following = self._next
                outcome = found()
                if outcome is not None:
                    return outcome
                await following.wait()
