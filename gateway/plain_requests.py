"""Reads the plainest of HTTP requests: a small POST of JSON that has arrived whole."""

from functools import lru_cache
from typing import NamedTuple

import httptools
from multidict import CIMultiDict, istr

from gateway.known_heads import LARGEST, Head

_LARGEST_HEAD = 8 * 1024
_MOST_HEADERS = 64
_LONGEST_FIELD = 8190
"""Bytes of a target, or of a header's name or value, above which aiohttp refuses it."""

_USUAL_NAME = 64
"""Bytes of a header's name up to which it is kept for all connections that send it."""

_CHANGING = frozenset(
    (
        b"connection", b"content-encoding", b"expect", b"keep-alive", b"te", b"trailer",
        b"transfer-encoding", b"upgrade",
        b"origin",
    )
)  # fmt: skip
"""Headers that change what a message is or what follows it (RFC 9110, 7.6 to 10.1).

So does that of a page: the answer to it says who may read it (gateway/pages.py).
"""


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

    def __init__(self) -> None:
        """Wait for the first request."""
        self._parser: httptools.HttpRequestParser | None = None
        self._last: Head | None = None
        self._reset()

    def feed(self, data: bytes) -> PlainRequest | None:
        """Return the request that `data` completes; None where more has to come.

        Raises NotPlain; the reader is of no use from then on.
        """
        if self._last is not None and not self._size:
            body = self._last.body_of(data)
            if body is not None:
                self._last.has(len(body))
                return PlainRequest(self._last, body)
        self._size += len(data)
        if self._size > _LARGEST_HEAD + LARGEST:
            raise NotPlain
        if self._parser is None:
            self._parser = httptools.HttpRequestParser(self)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise NotPlain from error
        if self._begun > 1:
            raise NotPlain
        if not self._whole:
            return None
        at_once = data if len(data) == self._size else b""
        self._last = Head(at_once, self._target, self._headers)
        request = PlainRequest(self._last, b"".join(self._chunks))
        self._reset()
        return request

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
        if name.lower() in _CHANGING or len(self._headers) >= _MOST_HEADERS:
            raise NotPlain
        if max(len(name), len(value)) > _LONGEST_FIELD:
            raise NotPlain
        text = value.strip(b" \t").decode("utf-8", "surrogateescape")
        known = _name(name) if len(name) <= _USUAL_NAME else name.decode("ascii")
        self._headers.add(known, text)

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
        self._chunks.append(chunk)

    def on_message_complete(self) -> None:
        """Hear that the request is whole."""
        self._whole = True

    def _reset(self) -> None:
        """Wait for a request; the parser of the last one, which holds this too, may go."""
        self._parser = None
        self._begun = 0
        self._whole = False
        self._size = 0
        self._target = b""
        self._headers: CIMultiDict[str] = CIMultiDict()
        self._chunks: list[bytes] = []
