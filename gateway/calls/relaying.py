"""Hands a server's answer to the caller, byte for byte and as it comes."""

from collections.abc import Callable

from aiohttp import web

from gateway.callers.whole_answers import Reply, WholeAnswer
from gateway.calls.reading_outcomes import OutcomeReader
from gateway.upstreams import UpstreamAnswer, UpstreamFailed
from gateway.wire.errors import Code, Rejected, RequestId
from gateway.wire.event_blocks import WholeEvents
from gateway.wire.event_streams import event_of
from policies.secrets.redaction import redact_text
from policies.values.inert import inert_line

_UNBUFFERED = "X-Accel-Buffering"
_LARGE = 64 * 1024
_LONGEST_ERROR = 500


async def relay(
    request: web.BaseRequest,
    answer: UpstreamAnswer,
    listen: Callable[[bytes], None] = lambda _: None,
    through: Callable[[bytes], bytes] = lambda chunk: chunk,
    ending: Callable[[], bytes] = bytes,
    breaking: Callable[[UpstreamFailed], bytes] = lambda _: b"",
) -> Reply:
    """Return the answer's status, headers and bytes; `listen` hears the bytes in passing.

    What `through` returns of them goes on. An answer that ended gets the bytes
    of `ending` besides, which may raise UpstreamFailed as well.

    Where the server breaks off, `breaking` returns what ends the answer. If that
    is nothing, this one breaks off, too: the connection is cut, so that nobody
    takes half an answer for a whole one. Raises UpstreamFailed then.
    The stream is not given up: whoever asked for it does that.
    """
    if answer.stream is None:
        body = answer.body or b""
        listen(body)
        whole = WholeAnswer(answer.status, answer.headers, through(body) + ending())
        return whole if len(whole.body) <= _LARGE else await _taken(request, whole)
    response = await _begun(request, answer)
    try:
        async for chunk in answer.stream:
            listen(chunk)
            if passing := through(chunk):
                await response.write(passing)
        last = ending()
    except UpstreamFailed as failure:
        last = breaking(failure)
        if not last:
            _cut(request)
            raise
    if last:
        await response.write(last)
    await response.write_eof()
    return response


async def _begun(request: web.BaseRequest, answer: UpstreamAnswer) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.headers[_UNBUFFERED] = "no"
    await response.prepare(request)
    return response


def _cut(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _taken(request: web.BaseRequest, whole: WholeAnswer) -> Reply:
    """Send a large answer: its request is under way until the caller has taken it."""
    large = whole.response()
    await large.prepare(request)
    await large.write_eof()
    return large


async def relay_call(
    request: web.BaseRequest,
    asked: RequestId,
    owed: Callable[[], bool],
    answer: UpstreamAnswer,
    reader: OutcomeReader,
) -> Reply:
    """Relay the answer to a call; events that end without a response get an error for one.

    That is, where it is still `owed` one. So do those that break off, unless the
    client can ask for the rest. An event that is not whole then does not pass.
    `reader` hears the bytes. Raises UpstreamFailed as `relay`.
    """
    if not reader.streams:
        return await relay(request, answer, reader.feed)
    events = WholeEvents()
    return await relay(
        request,
        answer,
        reader.feed,
        events.feed,
        lambda: ending_of(events, reader, asked) if owed() else b"",
        lambda failure: breaking_of(events, reader, asked, failure),
    )


def ending_of(events: WholeEvents, reader: OutcomeReader, asked: RequestId) -> bytes:
    """Return what follows the events of an answer to a call: an error where it held no response.

    Raises UpstreamFailed where nothing can follow, as half an event has passed.
    """
    if not reader.missing:
        return b""
    if events.torn:
        raise UpstreamFailed("the server ended its answer in the middle of an event", sent=True)
    text = "the server ended its answer without a response; the call may have run, so look"
    text += " before you call again"
    return event_of(Rejected(200, Code.SERVER_FAILED, text, id=asked).body())


def breaking_of(
    events: WholeEvents, reader: OutcomeReader, asked: RequestId, failure: UpstreamFailed
) -> bytes:
    """Return what follows the events of an answer to a call that broke off: an error.

    Clients wait for ever otherwise, as they were told nothing. `reader` keeps the
    failure. Nothing follows a response, an id, by which the client asks for the
    rest, and half an event that has passed.
    """
    if events.torn or not reader.missing:
        return b""
    reader.failure = failure
    return event_of(Rejected(200, Code.SERVER_FAILED, told(failure), id=asked).body())


def told(failure: UpstreamFailed) -> str:
    """Return what a caller is told of a failure, without secrets, in one line."""
    text = str(failure)
    if failure.sent:
        text += "; the call may have run, so look before you call again"
    return brief(text)


def brief(text: str) -> str:
    """Return a text of an error without secrets, in one line."""
    return inert_line(redact_text(text).text, _LONGEST_ERROR)
