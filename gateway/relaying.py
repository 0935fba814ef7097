"""Hands a server's answer to the caller, byte for byte and as it comes."""

from collections.abc import Callable

from aiohttp import web

from gateway.errors import Code, Rejected, RequestId
from gateway.event_streams import event_of
from gateway.reading_outcomes import OutcomeReader
from gateway.upstreams import UpstreamAnswer, UpstreamFailed
from gateway.whole_answers import Reply, WholeAnswer

_UNBUFFERED = "X-Accel-Buffering"
_LARGE = 64 * 1024


async def relay(
    request: web.BaseRequest,
    answer: UpstreamAnswer,
    listen: Callable[[bytes], None] = lambda _: None,
    ending: Callable[[], bytes] = bytes,
) -> Reply:
    """Return the answer's status, headers and bytes; `listen` hears the bytes in passing.

    An answer that ended gets the bytes of `ending` besides.

    Where the server breaks off, so does this answer: the connection is cut, so
    that nobody takes half an answer for a whole one. Raises UpstreamFailed then.
    The stream is not given up: whoever asked for it does that.
    """
    if answer.stream is None:
        body = answer.body or b""
        listen(body)
        body += ending()
        whole = WholeAnswer(answer.status, answer.headers, body)
        if len(body) <= _LARGE:
            return whole
        large = whole.response()  # its request is under way until the caller has taken it
        await large.prepare(request)
        await large.write_eof()
        return large
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.headers[_UNBUFFERED] = "no"
    await response.prepare(request)
    try:
        async for chunk in answer.stream:
            listen(chunk)
            await response.write(chunk)
    except UpstreamFailed:
        if request.transport is not None:
            request.transport.abort()
        raise
    if last := ending():
        await response.write(last)
    await response.write_eof()
    return response


async def relay_call(
    request: web.BaseRequest, asked: RequestId, answer: UpstreamAnswer, reader: OutcomeReader
) -> Reply:
    """Relay the answer to a call; events that end without a response get an error for one.

    `reader` hears the bytes. Raises UpstreamFailed as `relay`.
    """

    def ending() -> bytes:
        return b"\n\n" + event_of(_missing(asked)) if reader.missing else b""

    return await relay(request, answer, reader.feed, ending)


def _missing(asked: RequestId) -> bytes:
    text = "the server ended its answer without a response; the call may have run, so look"
    text += " before you call again"
    return Rejected(200, Code.SERVER_FAILED, text, id=asked).body()
