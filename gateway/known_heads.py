"""Knows a head again that comes with one message after the other."""

import re

from aiohttp import HttpVersion11
from aiohttp.http_parser import RawRequestMessage
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from gateway.upstreams import Era

LARGEST = 16 * 1024
"""Bytes of a body above which a request is not plain."""

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,5})(?=\r\n)", re.IGNORECASE)
_MOST_DIGITS = 5
_NEVER = b"\0"
"""No plain request begins so."""

_PATH = b"/mcp/"
_OTHERS = re.compile(rb"[^A-Za-z0-9_.-]")


class Frame:
    """What stands around the body of a message: a head, all but the number of its length.

    Who found with a strict parser that a head says nothing else of its body
    than one `Content-Length` needs no parser for the next message that has
    this head.
    """

    __slots__ = ("_after", "_before")

    def __init__(self, raw: bytes) -> None:
        """Keep the head that `raw` begins with.

        One whose length cannot be told from the rest is never known again.
        """
        end = raw.find(b"\r\n\r\n") + 4
        places = [*_LENGTH.finditer(raw, 0, end)]
        self._before = self._after = _NEVER
        if len(places) == 1:
            self._before, self._after = raw[: places[0].start(1)], raw[places[0].end(1) : end]

    def body_of(self, raw: bytes) -> bytes | None:
        """Return the body in `raw` if it is one whole message with this head, else None."""
        if not raw.startswith(self._before):
            return None
        begin = len(self._before)
        end = raw.find(b"\r\n", begin, begin + _MOST_DIGITS + 2)
        digits = raw[begin:end] if end >= 0 else b""
        start = end + len(self._after)
        size = len(raw) - start
        if digits != b"%d" % size or size > LARGEST or not raw.startswith(self._after, end):
            return None
        return raw[start:]


class Head(Frame):
    """The head of a request: its `target` as it was sent, and its `headers`.

    `server` is the one that the target names, if it is spelled as aiohttp's
    router has it; `message` is what aiohttp would have read.

    Requests of one connection whose heads differ in nothing, or only in the
    number of `Content-Length`, have the same head, by `is`. What was seen
    in it is kept in `seen`, and in `upward` what of it passes to the server, by
    era and session; nothing that can change with time belongs there.
    """

    __slots__ = ("_length", "_message", "headers", "seen", "server", "target", "upward")

    def __init__(self, raw: bytes, target: bytes, headers: CIMultiDict[str]) -> None:
        """Take the head that a strict parser found in `raw`, which begins with it."""
        super().__init__(raw)
        self.target = target
        self.server = _server(target)
        self.headers = headers
        self._length = int(headers["Content-Length"])
        self._message: RawRequestMessage | None = None
        self.seen: dict[str, object] = {}
        self.upward: dict[tuple[Era, str | None], CIMultiDict[str]] = {}

    def has(self, length: int) -> None:
        """Have the headers say the length of another body."""
        if self._length != length:
            self._length = length
            self.headers = self.headers.copy()
            self.headers["Content-Length"] = str(length)
            self._message = None

    @property
    def message(self) -> RawRequestMessage:
        """The head of the last request as aiohttp has heads."""
        if self._message is None:
            path = self.target.decode("ascii")
            self._message = RawRequestMessage(
                method="POST",
                path=path,
                version=HttpVersion11,
                headers=CIMultiDictProxy(self.headers),
                raw_headers=(),
                should_close=False,
                compression=None,
                upgrade=False,
                chunked=False,
                url=URL.build(path=path, encoded=True),
            )
        return self._message


def _server(target: bytes) -> str | None:
    name = target.removeprefix(_PATH)
    if len(name) == len(target) or not name or _OTHERS.search(name):
        return None
    return name.decode("ascii")
