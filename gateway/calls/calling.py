"""One `tools/call` on its way, and what its caller is told where it cannot be decided."""

import asyncio

from aiohttp import web

from gateway.callers.fast_lane import WholeRequest
from gateway.calls import answers
from gateway.calls.examining import Asked
from gateway.calls.gate import Undecided
from gateway.calls.open_calls import OpenCall
from gateway.calls.passing import Caller
from gateway.tools.not_learned import NotLearned, Unusable
from gateway.upstreams import Era, UpstreamRequest
from gateway.wire.envelopes import AT_ONCE, Request, read_message
from gateway.wire.errors import SOON, Code, Rejected
from ledger.unavailable import LedgerUnavailable
from policies.values.refusals import Refused
from policies.values.strict_json import canonical

_OK = 200


class Stopping(Refused):
    """The process is about to end."""


class Call(OpenCall):
    """The request of HTTP, who sent it, what goes to the server, and what is asked.

    `id` is its own in the ledger, `request_id` that of its request. While it
    rests it has neither `message` nor `asked`: thousands may wait for people,
    and what their bodies say is read again once that is needed.
    """

    __slots__ = ("asked", "caller", "http", "id", "message", "request", "request_id")

    def __init__(
        self,
        http: web.BaseRequest,
        caller: Caller,
        request: UpstreamRequest,
        message: Request,
        asked: Asked,
    ) -> None:
        """Take the parts; `message` is what the body of `request` says."""
        super().__init__(asked.ticket)
        self.http = http
        self.caller = caller
        self.request = request
        self.message = message
        self.request_id = message.id
        self.asked = asked
        self.id = asked.id

    def rest(self) -> None:
        """Forget what the body says, which is kept itself."""
        if self.request.message is not None:
            self.request = self.request._replace(message=None)
            del self.message, self.asked
            if isinstance(self.http, WholeRequest):
                self.http.rest()

    async def whole(self) -> Asked:
        """Read the body again where that was forgotten, and return what is asked."""
        body = self.request.body
        if self.request.message is None:
            if len(body) <= AT_ONCE:
                message = read_message(body)
            else:
                message = await asyncio.to_thread(read_message, body)
            assert isinstance(message, Request), "so it was before"
            self.message = message
            self.request = self.request._replace(message=message.whole)
            self.asked = asked_for(self.id, self.caller, message, self.request)
        return self.asked


def asked_for(call: str, caller: Caller, message: Request, request: UpstreamRequest) -> Asked:
    """Return what a `tools/call` asks for; `call` is its id in the ledger, `request` carries it."""
    name = message.params["name"]
    assert isinstance(name, str), "the envelope was checked"
    return Asked.__new__(
        Asked,
        id=call,
        agent=caller.agent,
        server=caller.server.name,
        tool=name,
        params=message.params,
        ticket=caller.ticket(canonical(message.id)),
        size=len(request.body),
        request=request,
    )


def called_off(call: Call) -> bytes:
    """Return the response to a call that was called off.

    None is due to whoever cancelled it (basic/utilities/cancellation). But
    where its ticket is shared another client may have meant its own call, and
    this one waits.
    """
    return answers.called_off().body(call.request_id, call.request.era)


def undecided(refused: Refused, call: Call) -> Rejected:
    """Return what to tell of a call that could not be decided."""
    status, code, soon = 409, Code.REFUSED, None
    if isinstance(refused, LedgerUnavailable | Undecided | Stopping):
        status, code, soon = 503, Code.UNDECIDED, SOON
    if isinstance(refused, NotLearned):
        status, code = 503, Code.SERVER_FAILED
        soon = None if isinstance(refused, Unusable) else SOON
    text = f"{refused}; nothing was executed"
    return Rejected(_status(status, call), code, text, id=call.request_id, headers=soon)


def address(rejected: Rejected, call: Call) -> None:
    """Make an error that was found on a call's way the answer to it."""
    if rejected.id is None:
        rejected.id = call.request_id
    if rejected.code is Code.INVALID_PARAMS:
        rejected.status = _status(rejected.status, call)


def _status(status: int, call: Call) -> int:
    """Return the status of an error: before 2026-07-28 clients give the session up at others."""
    return _OK if call.request.era is Era.LEGACY else status
