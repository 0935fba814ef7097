"""Messages as Slack keeps them: posted, replied to, updated, deleted, seen by one person."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.workspace.errors import SlackError

Message = dict[str, Any]
VERSIONS_KEPT = 100


@dataclass
class Stamps:
    """Makes message timestamps: seconds of `now` with six digits, each later than the last."""

    now: Callable[[], float]
    last: int = 0

    def next(self) -> str:
        """Return a `ts` that was never given before."""
        self.last = max(self.last + 1, int(self.now() * 1_000_000))
        return f"{self.last // 1_000_000}.{self.last % 1_000_000:06d}"

    def seen(self, ts: str) -> None:
        """Never give a `ts` up to this one again."""
        seconds, _, fraction = ts.partition(".")
        self.last = max(self.last, int(seconds) * 1_000_000 + int(fraction or 0))


@dataclass
class Timeline:
    """The messages of one channel, replies among them, by `ts` in order of posting."""

    messages: dict[str, Message] = field(default_factory=dict)
    _replies: dict[str, set[str]] = field(default_factory=dict)
    _replaced: dict[str, deque[dict[str, Any]]] = field(default_factory=dict)

    def put(self, message: Message) -> None:
        """Add a message or take its new version."""
        ts = message["ts"]
        if ts in self.messages:
            gone = [each for each in self.messages[ts].get("blocks", ()) if _is_row(each)]
            if gone:
                self._replaced.setdefault(ts, deque(maxlen=VERSIONS_KEPT)).extend(gone)
        self.messages[ts] = message
        root = str(message.get("thread_ts", ts))
        if root != ts:
            self._replies.setdefault(root, set()).add(ts)

    def replaced(self, ts: str) -> list[dict[str, Any]]:
        """Return the rows of buttons that earlier versions of a message showed, newest first.

        Somebody may still have one before their eyes, or a question whether they are sure.
        """
        return list(reversed(self._replaced.get(ts, ())))

    def at(self, ts: str) -> Message:
        """Return the message with that `ts`. Raises SlackError `message_not_found`."""
        if ts not in self.messages:
            raise SlackError("message_not_found")
        return self.messages[ts]

    def remove(self, ts: str) -> None:
        """Delete a message. Raises SlackError `message_not_found`."""
        root = self.at(ts).get("thread_ts", ts)
        del self.messages[ts]
        self._replaced.pop(ts, None)
        self._replies.get(root, set()).discard(ts)

    def top_level(self) -> list[Message]:
        """Return what the channel shows, newest first: no replies but broadcast ones."""
        shown = [self._with_replies(m) for m in self.messages.values() if is_top_level(m)]
        return sorted(shown, key=stamp, reverse=True)

    def thread(self, ts: str) -> list[Message]:
        """Return a root message and its replies, oldest first. Raises `thread_not_found`."""
        if ts not in self.messages:
            raise SlackError("thread_not_found")
        return [self._with_replies(self.messages[ts]), *self._replies_to(ts)]

    def shown(self, message: Message) -> Message:
        """Return a message with the counts of its thread, as history and events show it."""
        return self._with_replies(message)

    def _replies_to(self, ts: str) -> list[Message]:
        replies = [self.messages[reply] for reply in self._replies.get(ts, ())]
        return sorted(replies, key=stamp)

    def _with_replies(self, message: Message) -> Message:
        replies = self._replies_to(message["ts"])
        if not replies:
            return message
        return {
            **message,
            "thread_ts": message["ts"],
            "reply_count": len(replies),
            "reply_users": sorted({reply["user"] for reply in replies}),
            "latest_reply": replies[-1]["ts"],
        }


def stamp(message: Message) -> tuple[int, int]:
    """Return what messages are sorted by: seconds and microseconds of `ts`."""
    seconds, _, fraction = str(message["ts"]).partition(".")
    return int(seconds), int(fraction or 0)


def is_top_level(message: Message) -> bool:
    """Tell whether the channel itself shows the message, not only its thread."""
    thread = message.get("thread_ts")
    return thread in {None, message["ts"]} or message.get("subtype") == "thread_broadcast"


def _is_row(block: dict[str, Any]) -> bool:
    return bool(block["type"] == "actions")
