"""Builds the HTTP answers of a bridged server."""

import json
from collections.abc import Mapping

from multidict import CIMultiDict

from gateway.servers.synthesis import modern_error
from gateway.upstreams import ByteStream, Era, UpstreamAnswer
from gateway.wire.errors import Code
from policies.values.inert import inert_line

_ECHO = 60

NO_ID = "null"
"""Stands for the id of a request that has none or whose id is not known."""


def answer(number: str, result: str) -> UpstreamAnswer:
    """Return a result (JSON text) under the caller's id (JSON text)."""
    return _json(200, f'{{"jsonrpc":"2.0","id":{number},"result":{result}}}')


def error(number: str, method: str, text: str, era: Era) -> UpstreamAnswer:
    """Return the server's error (JSON text) with the status of HTTP that its era has for it."""
    status, text = modern_error(method, text) if era is Era.MODERN else (200, text)
    return _json(status, f'{{"jsonrpc":"2.0","id":{number},"error":{text}}}')


def refused(
    status: int,
    code: Code,
    message: str,
    number: str = NO_ID,
    details: Mapping[str, object] | None = None,
) -> UpstreamAnswer:
    """Return an error of the bridge itself."""
    said: dict[str, object] = {"code": int(code), "message": message}
    if details is not None:
        said["data"] = dict(details)
    return _json(status, f'{{"jsonrpc":"2.0","id":{number},"error":{json.dumps(said)}}}')


def no_method(number: str, method: str, era: Era) -> UpstreamAnswer:
    """Refuse a method that is none of a server which callers share."""
    status = 404 if era is Era.MODERN else 200
    text = f"the server has no method `{inert_line(method, _ECHO)}`"
    return refused(status, Code.METHOD_NOT_FOUND, text, number)


def streamed(stream: ByteStream) -> UpstreamAnswer:
    """Return a stream of server-sent events."""
    headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
    return UpstreamAnswer(200, CIMultiDict(headers), stream=stream)


def accepted() -> UpstreamAnswer:
    """Return what a notification is answered with."""
    return UpstreamAnswer(202, CIMultiDict(), body=b"")


def _json(status: int, text: str) -> UpstreamAnswer:
    headers = CIMultiDict({"Content-Type": "application/json"})
    return UpstreamAnswer(status, headers, body=text.encode(errors="surrogatepass"))
