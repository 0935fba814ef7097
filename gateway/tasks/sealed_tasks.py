"""Packs what is kept of a task, its request and what came of it, so that only we can read it."""

import json
from datetime import datetime
from typing import assert_never

from multidict import CIMultiDict

from gateway.calls.collecting import Failure, Result
from gateway.sealing import Sealer, Unsealable
from gateway.tasks.task_rounds import Asking, Came, Handed
from gateway.upstreams import Era, UpstreamRequest
from gateway.wire.envelopes import Request, read_message
from ledger.readings.tasks import KeptTask


class SealedTasks:
    """Seals under the names of a task, its agent and its server: nobody can swap two of them."""

    def __init__(self, sealer: Sealer) -> None:
        """Take what seals."""
        self._sealer = sealer

    def request(self, task: KeptTask, request: UpstreamRequest) -> bytes:
        """Return a request, its headers and its very bytes, sealed."""
        return self._sealer.seal(_packed(request).encode(), *_names(task, "request"))

    def opened(self, task: KeptTask, agent: str) -> tuple[UpstreamRequest, Request]:
        """Return a task's request, as of this agent, and what it says. Raises Unsealable."""
        plain = self._sealer.unseal(task.request or b"", *_names(task, "request"))
        return _unpacked(plain.decode(), agent)

    def result(self, task: KeptTask, came: Came) -> bytes:
        """Return what came of a task, sealed."""
        kind, text = _written(came)
        return self._sealer.seal(f"{kind}\n{text}".encode(), *_names(task, "result"))

    def came(self, task: KeptTask, agent: str) -> Came | None:
        """Return what came of a task, None while that is nothing. Raises Unsealable."""
        if task.result is None:
            return None
        plain = self._sealer.unseal(task.result, *_names(task, "result"))
        kind, _, text = plain.decode().partition("\n")
        match kind:
            case "result":
                return Result(text)
            case "error":
                return Failure(text)
            case "handed":
                return Handed(text)
            case "asking":
                return _asking(text, agent)
            case _:
                raise Unsealable


def _names(task: KeptTask, what: str) -> tuple[str, ...]:
    return "task", what, task.id, task.principal, task.server


def _packed(request: UpstreamRequest) -> str:
    head = json.dumps([*request.headers.items()])
    return f"{head}\n{request.body.decode()}"


def _unpacked(text: str, agent: str) -> tuple[UpstreamRequest, Request]:
    head, _, body = text.partition("\n")
    message = read_message(body.encode())
    if not isinstance(message, Request):
        raise Unsealable
    headers = CIMultiDict[str](json.loads(head))
    whole = message.whole
    return UpstreamRequest("POST", headers, body.encode(), whole, Era.MODERN, agent), message


def _written(came: Came) -> tuple[str, str]:
    match came:
        case Result(text):
            return "result", text
        case Failure(text):
            return "error", text
        case Handed(task):
            return "handed", task
        case Asking():
            told = {
                "round": came.round,
                "name": came.name,
                "requests": came.requests,
                "state": came.state,
                "since": came.since.isoformat(),
                "given": dict(came.given),
            }
            return "asking", f"{json.dumps(told)}\n{_packed(came.request)}"
        case _:
            assert_never(came)


def _asking(text: str, agent: str) -> Asking:
    head, _, packed = text.partition("\n")
    told = json.loads(head)
    request, _ = _unpacked(packed, agent)
    since = datetime.fromisoformat(told["since"])
    return Asking(
        request,
        told["round"],
        told["name"],
        told["requests"],
        told["state"],
        since,
        told["given"],
    )
