"""Knows a head again that a caller sends with one request after the other."""

import re
from typing import Self

from multidict import CIMultiDict

from gateway.upstreams import Era

LARGEST = 16 * 1024
"""Bytes of a body above which a request is not plain."""

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,5})(?=\r\n)", re.IGNORECASE)
_MOST_DIGITS = 5
_NEVER = b"\0"
"""No plain request begins so."""


class Head:
    """The head of a request: its `target` as it was sent, and its `headers`.

    Requests of one connection whose heads differ in nothing, or only in the
    number of `Content-Length`, have the same head, by `is`. What it was checked
    for is kept in `passed`, and in `upward` what of it passes to the server, by
    era and session; nothing that can change with time belongs there.
    """

    __slots__ = ("_after", "_before", "headers", "passed", "target", "upward")

    def __init__(
        self, target: bytes, headers: CIMultiDict[str], before: bytes, after: bytes
    ) -> None:
        """Use `read`; `before` and `after` are the bytes around the number."""
        self.target = target
        self.headers = headers
        self.passed: set[str] = set()
        self.upward: dict[tuple[Era, str | None], CIMultiDict[str]] = {}
        self._before = before
        self._after = after

    @classmethod
    def read(cls, raw: bytes, target: bytes, headers: CIMultiDict[str]) -> Self:
        """Return the head that a strict parser found in `raw`, which begins with it.

        A head whose length cannot be told from the rest is never known again.
        """
        end = raw.find(b"\r\n\r\n") + 4
        places = [*_LENGTH.finditer(raw, 0, end)]
        if len(places) != 1:
            return cls(target, headers, _NEVER, _NEVER)
        return cls(target, headers, raw[: places[0].start(1)], raw[places[0].end(1) : end])

    def body_of(self, raw: bytes) -> bytes | None:
        """Return the body in `raw` if it is one whole request with this head, else None.

        The length in `headers` is then that of this body.
        """
        begin = len(self._before)
        if not raw.startswith(self._before):
            return None
        end = raw.find(b"\r\n", begin, begin + _MOST_DIGITS + 2)
        digits = raw[begin:end] if end >= 0 else b""
        start = end + len(self._after)
        size = len(raw) - start
        if digits != b"%d" % size or size > LARGEST or not raw.startswith(self._after, end):
            return None
        length = digits.decode()
        if self.headers["Content-Length"] != length:
            self.headers = self.headers.copy()
            self.headers["Content-Length"] = length
        return raw[start:]
