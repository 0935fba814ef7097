"""Knows a head again that comes with one message after the other."""

import re
from typing import TypeAlias
from weakref import WeakValueDictionary

from aiohttp import HttpVersion11
from aiohttp.http_parser import RawRequestMessage
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

LARGEST = 16 * 1024
"""Bytes of a body above which a request is not plain."""

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(0|[1-9][0-9]{0,4})(?=\r\n)", re.IGNORECASE)
_MOST_DIGITS = 5
_NEVER = b"\0"
"""No plain request begins so."""

_PATH = b"/mcp/"
_OTHERS = re.compile(rb"[^A-Za-z0-9_.-]")


Halves: TypeAlias = tuple[bytes, bytes]
"""All of a head but the number of its length: what stands before that, and after it."""


def halves(raw: bytes) -> Halves | None:
    """Return the head that `raw` begins with; None where its length cannot be told from the rest.

    So it is where there are two of them, or one that is spelled as nobody spells it.
    """
    end = raw.find(b"\r\n\r\n") + 4
    places = [*_LENGTH.finditer(raw, 0, end)]
    if len(places) != 1:
        return None
    return raw[: places[0].start(1)], raw[places[0].end(1) : end]


class Frame:
    """What stands around the body of a message: a head, all but the number of its length.

    Who found with a strict parser that a head says nothing else of its body
    than one `Content-Length` needs no parser for the next message that has
    this head.
    """

    __slots__ = ("_after", "_before")

    def __init__(self, head: Halves | None) -> None:
        """Keep a head; None is never known again."""
        self._before, self._after = head or (_NEVER, _NEVER)

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
    """The head of a request: its `target` as it was sent, and its headers in its `message`.

    `server` is the one that the target names, if it is spelled as aiohttp's
    router has it. Where it `closes`, nothing follows it on its connection.

    Requests whose heads differ in nothing, or only in the number of
    `Content-Length`, have the same head, by `is`, on whatever connection they
    come. What was seen in it is kept in `seen`, and in `upward` what of it
    passes to the server, by era and session; nothing that can change with time
    belongs there, and nothing that depends on more than the head.
    """

    __slots__ = (
        "__weakref__", "_headers", "_length", "_message", "closes", "seen", "server", "target",
        "upward",
    )  # fmt: skip

    def __init__(
        self, head: Halves | None, target: bytes, headers: CIMultiDict[str], *, closes: bool
    ) -> None:
        """Take what a strict parser found in a head; `headers` are changed no more."""
        super().__init__(head)
        self.target = target
        self.closes = closes
        self.server = _server(target)
        self._length = int(headers["Content-Length"])
        self._headers = headers
        self._message: RawRequestMessage | None = None
        self.seen: dict[str, object] = {}
        self.upward: dict[str | None, CIMultiDict[str]] = {}

    def message(self, length: int) -> RawRequestMessage:
        """Return what aiohttp would have read with a body of so many bytes."""
        message = self._message
        if message is None:
            message = self._message = self._read()
        if self._length != length:
            headers = message.headers.copy()
            headers["Content-Length"] = str(length)
            message = self._message = message._replace(headers=CIMultiDictProxy(headers))
            self._length = length
        return message

    def _read(self) -> RawRequestMessage:
        path = self.target.decode("ascii")
        return RawRequestMessage(
            method="POST",
            path=path,
            version=HttpVersion11,
            headers=CIMultiDictProxy(self._headers),
            raw_headers=(),
            should_close=self.closes,
            compression=None,
            upgrade=False,
            chunked=False,
            url=URL.build(path=path, encoded=True),
        )


class KnownHeads:
    """The heads that some connection has now: the thousand of one program have the very same.

    What is the same is told by the bytes, so callers with different keys share
    nothing. A head is kept for as long as a connection that it came on last, or
    a request under way, has it.
    """

    def __init__(self) -> None:
        """Know none."""
        self._heads: WeakValueDictionary[Halves, Head] = WeakValueDictionary()

    def find(self, head: Halves | None) -> Head | None:
        """Return what is known of a head."""
        return None if head is None else self._heads.get(head)

    def add(
        self, head: Halves | None, target: bytes, headers: CIMultiDict[str], *, closes: bool
    ) -> Head:
        """Return the head in which a strict parser has found this, and know it from now on."""
        found = Head(head, target, headers, closes=closes)
        if head is not None:
            self._heads[head] = found
        return found


def _server(target: bytes) -> str | None:
    name = target.removeprefix(_PATH)
    if len(name) == len(target) or not name or _OTHERS.search(name):
        return None
    return name.decode("ascii")
