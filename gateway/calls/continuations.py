"""Wraps what a server wants to have back, so that an approved call goes on where it was."""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.sealing import Sealer, Unsealable
from gateway.upstreams import UpstreamRequest
from gateway.wire.envelopes import Request, read_message
from gateway.wire.errors import Code, Rejected
from gateway.wire.json_text import (
    NotAnObject,
    members,
    with_member,
    with_members,
    without_member,
)
from policies.values.calls import JsonValue

_PREFIX = "placet-state-"
_STATE = "requestState"
_LIFETIME = timedelta(minutes=30)
_NAME_BYTES = 16

MOST_ROUNDS = 10
"""How often a server may ask in the middle of one call; clients give up after as many."""


@dataclass(frozen=True)
class Leg:
    """How far a call has come under its approval; `round` is 0 for the call itself."""

    approval: str
    digest: str
    round: int = 0


@dataclass(frozen=True)
class Continuation:
    """The answer to what a server asked, as its caller brings it back.

    `leg` is the one that begins with it, `name` that of what was asked, `state`
    what the server wants to have back (JSON text), if it does.
    """

    leg: Leg
    name: str
    state: str | None


class Continuations:
    """Wraps the `requestState` of servers (specification 2026-07-28, basic/patterns/mrtr).

    What a caller gets is sealed for this caller at this server, and says which
    approval it belongs to. It gives no right: the ledger decides anew.
    """

    def __init__(self, sealer: Sealer, now: Callable[[], datetime]) -> None:
        """Take what seals; `now` returns UTC."""
        self._sealer = sealer
        self._now = now

    def wrapped(self, body: bytes, leg: Leg, principal: str, server: str) -> bytes:
        """Return a response in which the server's state is wrapped, if it asks for something.

        Any other message is returned as it is. A state that is not wrapped
        would not be taken for ours: its call would be asked about anew.
        """
        try:
            text = body.decode()
            result = text[members(text)["result"]]
            places = members(result)
            if json.loads(result[places["resultType"]]) != "input_required":
                return body
            state = result[places[_STATE]] if _STATE in places else None
            told = json.dumps(self._sealed(state, leg, principal, server))
            change = with_member if _STATE in places else _with
            return with_member(text, "result", change(result, _STATE, told)).encode()
        except (NotAnObject, KeyError, UnicodeDecodeError):
            return body

    def brought(
        self, params: Mapping[str, JsonValue], principal: str, server: str
    ) -> Continuation | None:
        """Return what a call continues; None where its state is none of ours.

        Raises Rejected (HTTP 400) for one of ours that is not of this caller
        and server, that is too old, or one too many.
        """
        state = params.get(_STATE)
        if not isinstance(state, str) or not state.startswith(_PREFIX):
            return None
        try:
            sealed = _decoded(state.removeprefix(_PREFIX))
            told = json.loads(self._sealer.unseal(sealed, *_names(principal, server)))
        except (Unsealable, ValueError):
            raise _rejected("is not one that you were given here") from None
        if self._now() >= datetime.fromisoformat(told["until"]):
            raise _rejected("has expired")
        if told["round"] > MOST_ROUNDS:
            raise _rejected(f"is that of more than {MOST_ROUNDS} rounds")
        leg = Leg(told["approval"], told["digest"], told["round"])
        return Continuation(leg, told["name"], told["state"])

    def _sealed(self, state: str | None, leg: Leg, principal: str, server: str) -> str:
        told = {
            "approval": leg.approval,
            "digest": leg.digest,
            "round": leg.round + 1,
            "name": secrets.token_hex(_NAME_BYTES),
            "until": (self._now() + _LIFETIME).isoformat(),
            "state": state,
        }
        sealed = self._sealer.seal(json.dumps(told).encode(), *_names(principal, server))
        return _PREFIX + urlsafe_b64encode(sealed).decode()


def restored(request: UpstreamRequest, continuation: Continuation) -> UpstreamRequest:
    """Return the request with the server's own state in the place of ours, all else as it was."""
    text = request.body.decode()
    params = text[members(text)["params"]]
    if continuation.state is None:
        params = without_member(params, _STATE)
    else:
        params = with_member(params, _STATE, continuation.state)
    body = with_member(text, "params", params).encode()
    message = read_message(body)
    assert isinstance(message, Request), "one member of its params changed"
    return request._replace(body=body, message=message.whole)


def _decoded(text: str) -> bytes:
    """Return what was encoded; Python decodes more than it encodes. Raises ValueError."""
    decoded = urlsafe_b64decode(text)
    if urlsafe_b64encode(decoded).decode() != text:
        raise ValueError
    return decoded


def _with(text: str, name: str, value: str) -> str:
    return with_members(text, {name: value})


def _names(principal: str, server: str) -> tuple[str, ...]:
    return "state", principal, server


def _rejected(why: str) -> Rejected:
    text = f"`{_STATE}` {why}; nothing was executed, call again without it to start over"
    return Rejected(400, Code.INVALID_PARAMS, text)
