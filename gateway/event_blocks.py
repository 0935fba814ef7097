"""Cuts a stream of server-sent events into whole events, however its lines end."""

import re

_LINE_END = rb"(?:\r\n|\n|\r(?!\n))"
_EVENT_END = re.compile(_LINE_END + _LINE_END)
_LINES = re.compile(_LINE_END)
_MARK = b"\xef\xbb\xbf"
_LONGEST_END = 4


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
