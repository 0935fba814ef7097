"""Finds the JSON-RPC messages in an answer, be it one body or a stream of events."""

from collections import deque
from collections.abc import Iterator

_LONGEST = 4 * 1024 * 1024
"""Bytes of one event above which it is not looked into."""

_MOST_IDS = 1000
"""Ids of the newest events of a stream that are kept."""

ONE_LINE = bytes.maketrans(b"\r\n", b"  ")
"""Line ends stand only between the tokens of JSON; within an event they would end its line."""

STILL_WAITING = b": still waiting\n\n"
"""Says again and again on the stream of a held call that it waits for people."""

LET_THROUGH = b": let through\n\n"
"""Says on that stream, once, that it waits no more and is sent."""

_MARK = b"\xef\xbb\xbf"


class EventReader:
    """Cuts a server-sent event stream into the texts of its events (WHATWG HTML, 9.2.6).

    It only listens: the bytes go on as they came. Lines end as the stream has
    it, by CR, LF or both; a byte order mark may begin it. An event above 4 MiB
    is passed over.
    """

    def __init__(self) -> None:
        """Start at the beginning of a stream."""
        self._rest: list[bytes] = []
        self._waiting = 0
        self._lines: list[bytes] = []
        self._size = 0
        self._begun = False
        self._after_cr = False
        self._named = False
        self.ids: deque[bytes] = deque(maxlen=_MOST_IDS)
        self.resumable = False
        self.passed_over = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Return the texts of the events that `chunk` completes; events without text are none.

        `resumable` becomes true with the end of the first event that has an id,
        `passed_over` with the first one that is too large; `ids` are those of
        the newest events.
        """
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        if b"\n" not in chunk and b"\r" not in chunk:
            self._keep(chunk)
            return
        self._after_cr = chunk.endswith(b"\r")
        whole = b"".join([*self._rest, chunk]).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        pieces = whole.split(b"\n")
        self._rest, self._waiting = [], 0
        self._keep(pieces.pop())
        if not self._begun:
            self._begun = True
            pieces[0] = pieces[0].removeprefix(_MARK)
        for line in pieces:
            yield from self._take(line)

    def _keep(self, rest: bytes) -> None:
        """Keep the begin of a line, unless it is too long."""
        self._rest.append(rest)
        self._waiting += len(rest)
        if self._waiting > _LONGEST:
            self._rest, self._waiting = [], 0
            self._size = _LONGEST + 1

    def _take(self, line: bytes) -> Iterator[bytes]:
        if not line:
            if self._size > _LONGEST:
                self.passed_over = True
            elif any(self._lines):
                yield b"\n".join(self._lines)
            self._lines = []
            self._size = 0
            self.resumable = self.resumable or self._named
        elif line.startswith(b"data:"):
            self._size += len(line)
            if self._size <= _LONGEST:
                self._lines.append(line[5:].removeprefix(b" "))
        elif line.startswith(b"id:"):
            self._named = True
            self.ids.append(line[3:].removeprefix(b" "))


def is_event_stream(content_type: str) -> bool:
    """Tell whether an answer of this content type is a stream of events."""
    if content_type == "application/json":  # nearly always
        return False
    return content_type.partition(";")[0].strip().lower() == "text/event-stream"


def event_of(body: bytes) -> bytes:
    """Return the event that carries a JSON-RPC message."""
    return b"event: message\ndata: " + body.translate(ONE_LINE) + b"\n\n"
