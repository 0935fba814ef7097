"""Reads the plainest of HTTP requests: a small POST of JSON that has arrived whole."""

from functools import lru_cache
from typing import NamedTuple

import httptools
from multidict import CIMultiDict, istr

from gateway.wire.known_heads import LARGEST, Halves, Head, KnownHeads, halves

_LARGEST_HEAD = 8 * 1024
_MOST_HEADERS = 64
_LONGEST_FIELD = 8190
"""Bytes of a target, or of a header's name or value, above which aiohttp refuses it."""

_USUAL_NAME = 64
"""Bytes of a header's name up to which it is kept for all connections that send it."""

_CHANGING = frozenset(
    (
        b"content-encoding", b"expect", b"keep-alive", b"te", b"trailer", b"transfer-encoding",
        b"upgrade",
        b"origin",
    )
)  # fmt: skip
"""Headers that change what a message is or what follows it (RFC 9110, 7.6 to 10.1).

So does that of a page: the answer to it says who may read it (gateway/callers/pages.py).
"""

_CONNECTION = b"connection"
_CLOSES = {b"keep-alive": False, b"close": True}
"""By what it says of its connection, whether a plain request is the last one on it.

Most libraries send one of the two: httpx and Node's fetch the first, urllib the
second. They name no other header as one that ends here (RFC 9110, 7.6.1).
"""

_NONE: CIMultiDict[str] = CIMultiDict()
"""The headers of a request that has not begun."""


@lru_cache(maxsize=256)
def _name(name: bytes) -> istr:
    """Return a header's name as it was sent; a thousand connections need it but once."""
    return istr(name.decode("ascii"))


class PlainRequest(NamedTuple):
    """One request."""

    head: Head
    body: bytes


class NotPlain(Exception):
    """The bytes are something else than one plain request."""


class PlainReader:
    """Takes the bytes of one connection for as long as each request on it is plain.

    Plain is a POST of HTTP/1.1 with one `Content-Length` of up to 16 KiB, few
    headers, and none that change what it is. The parser is llhttp's strict
    one, so that such a request means the same to every reader.
    """

    __slots__ = (
        "_begun", "_body", "_closes", "_headers", "_heads", "_last", "_parser", "_raw", "_target",
        "_whole",
    )  # fmt: skip

    _parser: httptools.HttpRequestParser | None
    _headers: CIMultiDict[str]
    _raw: bytes
    _target: bytes
    _body: bytes
    _closes: bool | None

    def __init__(self, heads: KnownHeads) -> None:
        """Wait for the first request; `heads` may be those of any number of connections."""
        self._heads = heads
        self._last: Head | None = None
        self._rest()

    def feed(self, data: bytes) -> PlainRequest | None:
        """Return the request that `data` completes; None where more has to come.

        Raises NotPlain; the reader is of no use from then on.
        """
        begins = not self._raw
        if begins and self._last is not None:
            body = self._last.body_of(data)
            if body is not None:
                return PlainRequest(self._last, body)
        if len(self._raw) + len(data) > _LARGEST_HEAD + LARGEST:
            raise NotPlain
        raw = halves(data) if begins else None
        known = self._heads.find(raw)
        if known is not None and (body := known.body_of(data)) is not None:
            self._last = known
            return PlainRequest(known, body)
        return self._parsed(data, raw)

    def _parsed(self, data: bytes, raw: Halves | None) -> PlainRequest | None:
        """Return what `feed` does, of a head that is not known; it is `raw` if it is whole here."""
        if self._parser is None:
            self._parser = httptools.HttpRequestParser(self)
            self._headers = CIMultiDict()
        self._raw += data
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise NotPlain from error
        if self._begun > 1:
            raise NotPlain
        if not self._whole:
            return None
        raw = raw or halves(self._raw)
        head = self._heads.find(raw) or self._heads.add(
            raw, self._target, self._headers, closes=bool(self._closes)
        )
        request = PlainRequest(head, self._body)
        self._last = head
        self._rest()
        return request

    def forget(self) -> None:
        """Keep nothing of the last request; none has begun since."""
        self._last = None

    def on_message_begin(self) -> None:
        """Hear that a request begins."""
        self._begun += 1

    def on_url(self, target: bytes) -> None:
        """Take a part of the target."""
        self._target += target
        if len(self._target) > _LONGEST_FIELD:
            raise NotPlain

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, as aiohttp would: in UTF-8, what is none escaped."""
        lower = name.lower()
        if lower in _CHANGING or len(self._headers) >= _MOST_HEADERS:
            raise NotPlain
        if max(len(name), len(value)) > _LONGEST_FIELD:
            raise NotPlain
        if lower == _CONNECTION:
            self._take_connection(value)
        text = value.strip(b" \t").decode("utf-8", "surrogateescape")
        known = _name(name) if len(name) <= _USUAL_NAME else name.decode("ascii")
        self._headers.add(known, text)

    def _take_connection(self, value: bytes) -> None:
        """Take what is said of the connection: once, and nothing unusual."""
        said = _CLOSES.get(value.strip(b" \t").lower())
        if said is None or self._closes is not None:
            raise NotPlain
        self._closes = said

    def on_headers_complete(self) -> None:
        """Tell by the head whether the request is plain."""
        parser = self._parser
        assert parser is not None, "it reports here"
        if parser.get_method() != b"POST" or parser.get_http_version() != "1.1":
            raise NotPlain
        length = self._headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST:
            raise NotPlain

    def on_body(self, chunk: bytes) -> None:
        """Take a part of the body."""
        self._body += chunk

    def on_message_complete(self) -> None:
        """Hear that the request is whole."""
        self._whole = True

    def _rest(self) -> None:
        """Wait for a request; the parser of the last one, which holds this too, may go."""
        self._parser = None
        self._begun = 0
        self._whole = False
        self._closes = None
        self._raw = self._target = self._body = b""
        self._headers = _NONE
