"""Cuts a stream of server-sent events into whole events, however its lines end."""

import re

_LINE_END = rb"(?:\r\n|\n|\r(?!\n))"
_EVENT_END = re.compile(_LINE_END + _LINE_END)
_LINES = re.compile(_LINE_END)
_MARK = b"\xef\xbb\xbf"
_LONGEST_END = 4

_BLANK_LINES = (b"\n\n", b"\n\r", b"\r\r")
"""What is in every end of an event, and nowhere else."""

_BETWEEN = re.compile(rb"(?:(?::[^\r\n]*)?" + _LINE_END + rb")*")
_HELD_BACK = 1024 * 1024
"""Bytes of an event up to which it waits for its end."""


class EventBlocks:
    """Takes the bytes of a stream as they come and gives whole events (WHATWG HTML, 9.2.5).

    Each byte is looked at once, in whatever pieces it comes.
    """

    def __init__(self) -> None:
        """Start at the beginning of a stream."""
        self._waiting = bytearray()
        self._looked_at = 0

    @property
    def rest(self) -> bytes:
        """What has come of an event that is not whole yet."""
        return bytes(self._waiting)

    def __len__(self) -> int:
        """Count the bytes of an event that is not whole yet."""
        return len(self._waiting)

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the events that `chunk` completes, each with the blank line that ends it."""
        self._waiting += chunk
        found: list[bytes] = []
        start, at = 0, max(self._looked_at - _LONGEST_END, 0)
        while ending := _EVENT_END.search(self._waiting, at):
            found.append(bytes(self._waiting[start : ending.end()]))
            start = at = ending.end()
        del self._waiting[:start]
        self._looked_at = len(self._waiting)
        return found

    def take_comments(self) -> bytes:
        """Return, and wait no longer with, what comes before the event that is not whole yet."""
        between = _BETWEEN.match(self._waiting)
        return self._take(between.end() if between else 0)

    def take_rest(self) -> bytes:
        """Return, and wait no longer with, what has come of an event that is not whole yet."""
        return self._take(len(self._waiting))

    def _take(self, end: int) -> bytes:
        taken = bytes(self._waiting[:end])
        del self._waiting[:end]
        self._looked_at = max(self._looked_at - end, 0)
        return taken


class WholeEvents:
    """Passes whole events on as they come, and holds back one that is not whole yet.

    Its reader throws an unfinished event away at the end of a stream (WHATWG
    HTML, 9.2.6), unless more is written there: the next blank line makes it
    whole. Comments between events pass at once. An event above 1 MiB is not
    held back to its end.
    """

    def __init__(self) -> None:
        """Start at the beginning of a stream."""
        self._held = bytearray()
        self._last = b""
        self.torn = False

    def feed(self, chunk: bytes) -> bytes:
        """Return what passes now; `torn` tells whether it ends in the middle of an event."""
        seen = self._last + chunk
        end = max(_last_end(seen) - len(self._last), 0)
        self._last = seen[-1:]
        if self.torn and not end:
            return chunk
        passing = chunk[:end]
        if end:
            passing = bytes(self._held) + passing if self._held else passing
            self._held.clear()
            self.torn = False
        return passing + self._begun(chunk[end:])

    def _begun(self, rest: bytes) -> bytes:
        """Hold bytes of an unfinished event back; return those that are none, or too many."""
        passing = b""
        if not self._held and (between := _BETWEEN.match(rest)):
            passing, rest = rest[: between.end()], rest[between.end() :]
        self._held += rest
        if len(self._held) > _HELD_BACK:
            passing += self._held
            self._held.clear()
            self.torn = True
        return passing


def _last_end(text: bytes) -> int:
    """Return where the last event in a text ends, 0 where none does."""
    if b"\n" not in text and b"\r" not in text:  # found out much faster
        return 0
    at = max(map(text.rfind, _BLANK_LINES))
    if at < 0:
        return 0
    end = at + 2
    return end + 1 if text[end - 1 : end + 1] == b"\r\n" else end


def data_of(block: bytes) -> bytes | None:
    """Return the data of one event as its reader joins it; None where it has none.

    A byte order mark may begin a stream; it is no part of the first line.
    """
    data = [line[5:].removeprefix(b" ") for line in _lines(block) if _is_data(line)]
    return b"\n".join(data) if data else None


def with_data(block: bytes, data: bytes) -> bytes:
    """Return an event with other data, and all else that it says."""
    others = [line for line in _lines(block) if line and not _is_data(line)]
    said = [b"data: " + line for line in _LINES.split(data)]
    return b"\n".join([*others, *said]) + b"\n\n"


def _lines(block: bytes) -> list[bytes]:
    return _LINES.split(block.removeprefix(_MARK))


def _is_data(line: bytes) -> bool:
    return line == b"data" or line.startswith(b"data:")
