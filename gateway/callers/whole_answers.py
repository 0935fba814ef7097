"""Answers over HTTP that are whole at once; those that begin alike are begun once."""

from enum import Enum, auto
from http import HTTPStatus
from typing import Final, NamedTuple, TypeAlias

from aiohttp import web
from aiohttp.helpers import rfc822_formatted_time
from multidict import CIMultiDict

from gateway.upstreams import UpstreamFailed
from gateway.wire.request_heads import check_fields
from gateway.wire.same import Same

_OURS = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})
_BODILESS = frozenset({204, 304})
"""Statuses of answers without a body (RFC 9110, 6.4.1)."""

_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode()
    for status in HTTPStatus
    if status >= HTTPStatus.OK and status not in _BODILESS
}
CLOSE: Final = b"Connection: close\r\n"
"""Says that the connection ends after this answer (RFC 9112, 9.6)."""

_MOST = 1024
_JSON: CIMultiDict[str] = CIMultiDict({"Content-Type": "application/json"})


class WholeAnswer(NamedTuple):
    """A whole answer; nobody changes its `headers`, which may be those of others as well."""

    status: int
    headers: CIMultiDict[str]
    body: bytes

    def response(self) -> web.Response:
        """Return the same for aiohttp."""
        return web.Response(status=self.status, headers=self.headers, body=self.body)


class Sent(Enum):
    """An answer that its connection has sent, to the end; others may follow there."""

    SENT = auto()


SENT: Final = Sent.SENT

Reply: TypeAlias = web.StreamResponse | WholeAnswer | Sent


def in_json(body: bytes) -> WholeAnswer:
    """Return a whole answer of JSON."""
    return WholeAnswer(HTTPStatus.OK, _JSON, body)


def for_aiohttp(reply: Reply) -> web.StreamResponse:
    """Return an answer as aiohttp sends them; whoever asks has not sent it."""
    assert not isinstance(reply, Sent), "what was sent by itself came from a fast lane"
    return reply.response() if isinstance(reply, WholeAnswer) else reply


async def send(response: web.StreamResponse, request: web.BaseRequest) -> None:
    """Send an answer; a whole one in one piece, with the headers that it has elsewhere."""
    body = response.body if isinstance(response, web.Response) else None
    if response.prepared or response.status in _BODILESS or not isinstance(body, bytes | None):
        await response.prepare(request)
        await response.write_eof()
        return
    headers = response.headers
    headers["Content-Length"] = str(len(body or b""))
    headers.setdefault("Date", rfc822_formatted_time())
    if response.keep_alive is False or not request.keep_alive:
        headers["Connection"] = "close"
    writer = request.writer
    writer.length = len(body or b"")
    await writer.write_headers(f"HTTP/1.1 {response.status} {response.reason}", headers)
    await writer.write_eof(body or b"")


NO_EVENTS: Final = WholeAnswer(
    HTTPStatus.OK, CIMultiDict({"Content-Type": "text/event-stream"}), b""
)
"""A stream of events that has ended without any."""


class AnswerWriter:
    """Writes whole answers as aiohttp would, without `Server` (RFC 9112, 2.1)."""

    def __init__(self) -> None:
        """Know no headers yet."""
        self._fields: Same[CIMultiDict[str], bytes] = Same(_written, _MOST)

    def written(self, answer: WholeAnswer, *, last: bool = False) -> bytes | None:
        """Return the answer's bytes; None where aiohttp has to think about them.

        After the `last` one its connection ends.
        """
        line, fields = _LINES.get(answer.status), self._fields.of(answer.headers)
        if line is None or not fields:
            return None
        date, length = rfc822_formatted_time().encode(), len(answer.body)
        return b"%b%bContent-Length: %d\r\nDate: %b\r\n%b\r\n%b" % (
            *(line, fields, length, date, CLOSE if last else b"", answer.body),
        )


def _written(headers: CIMultiDict[str]) -> bytes:
    """Return the lines of headers; nothing where aiohttp would add to them, or refuse them."""
    if "Content-Type" not in headers:
        return b""
    fields = [field for field in headers.items() if field[0].lower() not in _OURS]
    try:
        check_fields(fields)
    except UpstreamFailed:
        return b""
    return "".join([f"{name}: {value}\r\n" for name, value in fields]).encode()
