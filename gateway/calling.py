"""One `tools/call` on its way, and what its caller is told where it cannot be decided."""

from typing import NamedTuple

from aiohttp import web

from gateway.envelopes import Request
from gateway.errors import SOON, Code, Rejected
from gateway.examining import Asked
from gateway.gate import Undecided
from gateway.passing import Caller
from gateway.toolbox import NotLearned
from gateway.upstreams import Era, UpstreamRequest
from ledger.unavailable import LedgerUnavailable
from policies.refusals import Refused
from policies.strict_json import canonical

_OK = 200


class Stopping(Refused):
    """The process is about to end."""


class Call(NamedTuple):
    """The request of HTTP, who sent it, what goes to the server, and what is asked."""

    http: web.BaseRequest
    caller: Caller
    request: UpstreamRequest
    message: Request
    asked: Asked


def asked_for(call: str, caller: Caller, message: Request, size: int) -> Asked:
    """Return what a `tools/call` asks for; `call` is its id in the ledger, `size` in bytes."""
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
        size=size,
    )


def undecided(refused: Refused, call: Call) -> Rejected:
    """Return what to tell of a call that could not be decided."""
    status, code, soon = 409, Code.REFUSED, None
    if isinstance(refused, LedgerUnavailable | Undecided | Stopping):
        status, code, soon = 503, Code.UNDECIDED, SOON
    if isinstance(refused, NotLearned):
        status, code, soon = 503, Code.SERVER_FAILED, SOON
    text = f"{refused}; nothing was executed"
    status = _OK if call.request.era is Era.LEGACY else status
    return Rejected(status, code, text, id=call.message.id, headers=soon)
