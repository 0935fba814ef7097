"""Reads the heads of servers' answers, and knows the last one again when it comes once more."""

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

from gateway.callers.headers import downward
from gateway.upstreams import UpstreamAnswer
from gateway.wire.event_streams import is_event_stream
from gateway.wire.known_heads import LARGEST, Frame, halves

WHOLE: Final = 1024 * 1024
"""Bytes up to which an answer is handed on in one piece."""

_WITHOUT_BODY = frozenset({204, 304})
_LEAST_STATUS = 100
_VERSIONS = frozenset({"1.1", "1.0"})
_LARGEST_HEAD = 8 * 1024


Fields: TypeAlias = Sequence[tuple[bytes, bytes]]
"""Names and values as they came, without blanks around them."""


class AnswerHead(NamedTuple):
    """An answer without its body, and whether it goes on until the connection ends, or streams."""

    answer: UpstreamAnswer
    until_closed: bool
    streams: bool


def read_head(status: int, version: str, raw: Sequence[tuple[bytes, bytes]]) -> AnswerHead | None:
    """Return a head of these fields; None where it is none of HTTP/1.1 (RFC 9112)."""
    length: int | None = None
    codings: list[str] = []
    fields = [(name.decode(), value.decode(errors="surrogateescape")) for name, value in raw]
    for name, value in fields:
        match name.lower():
            case "content-length":
                length = int(value)
            case "transfer-encoding":
                codings.append(value.strip().lower())
    headers = downward(fields, status)
    if status < _LEAST_STATUS or codings not in ([], ["chunked"]) or version not in _VERSIONS:
        return None
    until_closed = not codings and length is None and status not in _WITHOUT_BODY
    streams = (length or 0) > WHOLE or is_event_stream(headers.get("Content-Type", ""))
    return AnswerHead(UpstreamAnswer(status, headers), until_closed, streams)


class LastAnswer:
    """The head of the last answer on a connection: whoever sends it again needs no parser."""

    MOST: Final = _LARGEST_HEAD + LARGEST
    """Bytes of an answer up to which it can be known."""

    __slots__ = ("_frame", "_head", "_headers", "_same", "_status")

    def __init__(self) -> None:
        """Know nothing yet."""
        self._frame = Frame(None)
        self._same: tuple[int, str, Fields] | None = None

    def read(self, status: int, version: str, fields: Fields) -> AnswerHead | None:
        """Return the head of these fields, as `read_head` does; of the same ones again at once."""
        same = (status, version, fields)
        if same != self._same:
            self._head = read_head(status, version, fields)
            self._same = same
        return self._head

    def again(self, raw: bytes) -> UpstreamAnswer | None:
        """Return the answer in `raw` if it is a whole one with the known head, else None."""
        body = self._frame.body_of(raw)
        return None if body is None else UpstreamAnswer(self._status, self._headers, body)

    def remember(self, raw: bytes, answer: UpstreamAnswer) -> None:
        """Keep the head of the whole `answer` that a strict parser found in `raw`, and no more."""
        if len(raw) > self.MOST or answer.status in _WITHOUT_BODY:
            return
        frame = Frame(halves(raw))
        if frame.body_of(raw) == answer.body:  # by its length alone it ends where the parser says
            self._frame, self._status, self._headers = frame, answer.status, answer.headers
