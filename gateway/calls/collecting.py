"""Reads a server's answer as a whole, for a caller that asks for it later."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from gateway.calls.reading_outcomes import response_in
from gateway.upstreams import UpstreamAnswer
from gateway.wire.errors import Code
from gateway.wire.event_streams import EventReader, is_event_stream
from gateway.wire.json_text import NotAnObject, members

_LARGEST = 8 * 1024 * 1024
"""Bytes of an answer above which it is not kept."""

_ENDLESS = 4 * _LARGEST
"""Bytes above which it is not listened to any more: whoever asked may have to wait for ever."""


@dataclass(frozen=True)
class Result:
    """What the server answered: the `result` of its response, as JSON text."""

    text: str


@dataclass(frozen=True)
class Failure:
    """The `error` of a JSON-RPC response, as JSON text."""

    text: str


Response: TypeAlias = Result | Failure


async def collected(answer: UpstreamAnswer, listen: Callable[[bytes], None]) -> Response:
    """Return the response in an answer; where there is none, an error that says so.

    `listen` hears the bytes. Raises UpstreamFailed where the server breaks off.
    """
    streams = is_event_stream(answer.headers.get("Content-Type", ""))
    reader = EventReader() if streams else None
    texts: list[bytes] = []
    size = heard = 0
    async for chunk in answer.chunks():
        listen(chunk)
        heard += len(chunk)
        if heard > _ENDLESS:
            return failure(f"its answer goes on beyond {_ENDLESS} bytes")
        for text in reader.feed(chunk) if reader else [chunk]:
            size += len(text)
            if size <= _LARGEST:
                texts.append(text)
    if size > _LARGEST:
        return failure(f"its answer is larger than the {_LARGEST} bytes that are kept")
    found = [_response(text) for text in (texts if streams else [b"".join(texts)])]
    said = f"it answered with HTTP status {answer.status} and no JSON-RPC response"
    return next((response for response in found if response is not None), failure(said))


def failure(what: str) -> Failure:
    """Return the error of a call that ran, or may have, and has no response to hand on."""
    text = f"the server failed: {what}; the call may have run, so look before you call again"
    return Failure(json.dumps({"code": int(Code.SERVER_FAILED), "message": text}))


def _response(text: bytes) -> Response | None:
    found = response_in(text, show=False)
    if found is None:
        return None
    try:
        whole = text.decode()
        places = members(whole)
    except (NotAnObject, UnicodeDecodeError):
        return None
    if found[1].name == "rpc-error":
        return Failure(whole[places["error"]])
    return Result(whole[places["result"]])
