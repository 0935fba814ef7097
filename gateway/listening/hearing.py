"""Lets callers hear that their list of tools is another one, whatever their server can say."""

from gateway.servers.synthesis import acknowledged, subscription_ended, tagged
from gateway.started.bridge_answers import streamed
from gateway.started.bridge_listeners import LISTS, Listener, event, notification
from gateway.upstreams import Era, UpstreamAnswer, UpstreamRequest
from gateway.wire.editing import edited
from gateway.wire.event_streams import is_event_stream
from gateway.wire.json_text import NotAnObject, members, with_member, with_members
from policies.values.strict_json import canonical

LISTEN = "subscriptions/listen"
"""The method of 2026-07-28 that opens a stream of changes."""

_CHANGED = "notifications/tools/list_changed"
_ACKNOWLEDGED = b"subscriptions/acknowledged"
_OK = 200
_NOT_FOUND = 404
_WRONG_METHOD = 405


def notice(request: UpstreamRequest, answer: UpstreamAnswer) -> bytes:
    """Return the event that tells of another list, as whoever sent the request is to get it.

    It is empty where nobody asked for it, and where the answer is no stream
    that it could stand in.
    """
    if not remark(answer):
        return b""
    if request.era is Era.LEGACY:
        return event(notification(_CHANGED, None))
    if not _asks(request):
        return b""
    return event(notification(_CHANGED, tagged(None, _subscription(request))))


def remark(answer: UpstreamAnswer) -> bytes:
    """Return a comment, which says nothing; empty where the answer is no stream of events."""
    streams = is_event_stream(answer.headers.get("Content-Type", ""))
    if answer.status != _OK or not streams or "Content-Encoding" in answer.headers:
        return b""
    return b": still here\n\n"


def farewell(request: UpstreamRequest) -> bytes:
    """Return the answer to a request to listen; a stream of before 2026-07-28 has none."""
    if request.era is Era.LEGACY:
        return b""
    return f"data: {subscription_ended(_subscription(request))}\n\n".encode()


async def heard(request: UpstreamRequest, answer: UpstreamAnswer) -> UpstreamAnswer:
    """Return the answer to one who wants to listen, with what Placet adds to the server's.

    A server that knows no such stream says so with HTTP 405 to GET (specification
    2025-11-25, transports), with 404 to a request (2026-07-28): the caller gets
    one of Placet's own. Where the server has one, it is acknowledged that lists
    of tools will be told of.
    """
    if request.era is Era.LEGACY:
        return await _own(answer) if answer.status == _WRONG_METHOD else answer
    if not _asks(request):
        return answer
    if answer.status == _NOT_FOUND:
        return await _own(answer, acknowledged(_subscription(request), {LISTS[_CHANGED]: True}))
    return edited(answer, _with_tools)


async def _own(refused: UpstreamAnswer, *first: str) -> UpstreamAnswer:
    """Return a stream in the place of a refusal."""
    if refused.stream is not None:
        await refused.stream.aclose()
    return streamed(Listener(lambda _: None, first))


def _with_tools(body: bytes) -> bytes:
    """Return an acknowledgement that names changes of the list of tools among what is told."""
    if _ACKNOWLEDGED not in body:
        return body
    try:
        text = body.decode()
        params = text[members(text)["params"]]
        kept = params[members(params)["notifications"]]
        name = LISTS[_CHANGED]
        kept = with_members(kept, {name: "true"})
        params = with_member(params, "notifications", with_member(kept, name, "true"))
        return with_member(text, "params", params).encode()
    except (NotAnObject, KeyError, UnicodeDecodeError):
        return body


def _asks(request: UpstreamRequest) -> bool:
    """Tell whether a request to listen wants to hear of lists of tools."""
    params = request.message.get("params") if request.message else None
    asked = params.get("notifications") if isinstance(params, dict) else None
    return isinstance(asked, dict) and asked.get(LISTS[_CHANGED]) is True


def _subscription(request: UpstreamRequest) -> str:
    assert request.message is not None, "a request to listen has a message"
    return canonical(request.message["id"])
