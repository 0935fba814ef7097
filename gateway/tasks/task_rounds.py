"""What may come of a task's call: its end, a question of the server, a task of the server's own."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from gateway.calls.collecting import Failure, Response, Result, failure
from gateway.calls.continuations import MOST_ROUNDS, Continuation, Leg
from gateway.upstreams import UpstreamRequest
from gateway.wire.envelopes import Request, read_message
from gateway.wire.json_text import NotAnObject, members, with_member, with_members, without_member
from policies.values.calls import JsonValue
from policies.values.strict_json import canonical

_NAME_BYTES = 16
_ASKED_BEFORE = ("inputResponses", "requestState")


@dataclass(frozen=True)
class Asking:
    """The server asks for something before it ends the call.

    `requests` is a JSON object of what it asks for; empty where it only wants
    to be asked again. `given` has what the caller brought so far, by the
    server's keys. `state` is what it wants to have back. All are JSON texts.
    """

    request: UpstreamRequest
    round: int
    name: str
    requests: str
    state: str | None
    since: datetime
    given: Mapping[str, str]

    @property
    def whole(self) -> bool:
        """Whether all is there that the server asked for."""
        return members(self.requests).keys() <= self.given.keys()

    def continuation(self, approval: str) -> Continuation:
        """Return what the ledger has to decide on before the answer is sent."""
        return Continuation(Leg(approval, "", self.round), self.name, self.state)


@dataclass(frozen=True)
class Handed:
    """The server made the call a task of its own, with this id."""

    task: str


Came: TypeAlias = Result | Failure | Asking | Handed


def came(response: Response, request: UpstreamRequest, sent: int, at: datetime) -> Came:
    """Return what a response to a task's call comes to; `sent` counts the rounds before it."""
    if isinstance(response, Failure):
        return response
    try:
        text, places = response.text, members(response.text)
        kind = json.loads(text[places["resultType"]])
        if kind == "task":
            return Handed(str(json.loads(text[places["taskId"]])))
        if kind != "input_required":
            return response
        requests = text[places["inputRequests"]] if "inputRequests" in places else "{}"
        members(requests)
    except (NotAnObject, KeyError, ValueError):
        return response
    if sent >= MOST_ROUNDS:
        return failure(f"it asked for something more than {MOST_ROUNDS} times")
    state = text[places["requestState"]] if "requestState" in places else None
    name = secrets.token_hex(_NAME_BYTES)
    return Asking(request, sent + 1, name, requests, state, at, {})


def outstanding(asking: Asking) -> str:
    """Return what a task still asks for; no key is used twice in the life of a task (SEP-2663)."""
    asked = [
        f"{json.dumps(_key(asking, name))}:{asking.requests[at]}"
        for name, at in members(asking.requests).items()
        if name not in asking.given
    ]
    return "{" + ",".join(asked) + "}"


def brought(asking: Asking, responses: Mapping[str, JsonValue]) -> Asking:
    """Return what is asked for, after its caller brought some of it; what nobody asked is left."""
    given = {
        name: canonical(responses[_key(asking, name)])
        for name in members(asking.requests)
        if name not in asking.given and _key(asking, name) in responses
    }
    return replace(asking, given={**asking.given, **given})


def answering(asking: Asking) -> tuple[UpstreamRequest, Request]:
    """Return the request that brings the server what it asked for, and what it says."""
    text = asking.request.body.decode()
    params = text[members(text)["params"]]
    for name in _ASKED_BEFORE:
        params = without_member(params, name) if name in members(params) else params
    given = ",".join(f"{json.dumps(name)}:{value}" for name, value in asking.given.items())
    added = {"inputResponses": f"{{{given}}}"} if asking.given else {}
    added |= {} if asking.state is None else {"requestState": asking.state}
    text = with_member(text, "params", with_members(params, added))
    body = with_member(text, "id", json.dumps(f"placet-{asking.round}")).encode()
    message = read_message(body)
    assert isinstance(message, Request), "members of its params changed"
    return asking.request._replace(body=body, message=message.whole), message


def _key(asking: Asking, name: str) -> str:
    return f"{asking.round}:{name}"
