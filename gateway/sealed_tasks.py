"""Packs the request of a task, and later its response, so that only this service can read them."""

import json

from multidict import CIMultiDict

from gateway.collecting import Failure, Response, Result
from gateway.envelopes import Request, read_message
from gateway.sealing import Sealer, Unsealable
from gateway.upstreams import Era, UpstreamRequest
from ledger.tasks import KeptTask

_KINDS: dict[str, type[Result] | type[Failure]] = {"result": Result, "error": Failure}


class SealedTasks:
    """Seals under the names of a task, its agent and its server: nobody can swap two of them."""

    def __init__(self, sealer: Sealer) -> None:
        """Take what seals."""
        self._sealer = sealer

    def request(self, task: KeptTask, request: UpstreamRequest) -> bytes:
        """Return a request, its headers and its very bytes, sealed."""
        head = json.dumps([*request.headers.items()])
        return self._sealer.seal(f"{head}\n".encode() + request.body, *_names(task, "request"))

    def opened(self, task: KeptTask, agent: str) -> tuple[UpstreamRequest, Request]:
        """Return a task's request, as of this agent, and what it says. Raises Unsealable."""
        plain = self._sealer.unseal(task.request or b"", *_names(task, "request"))
        head, _, body = plain.partition(b"\n")
        message = read_message(body)
        if not isinstance(message, Request):
            raise Unsealable
        headers = CIMultiDict[str](json.loads(head))
        whole = message.whole
        return UpstreamRequest("POST", headers, body, whole, Era.MODERN, agent), message

    def response(self, task: KeptTask, response: Response) -> bytes:
        """Return a response sealed."""
        kind = next(name for name, known in _KINDS.items() if isinstance(response, known))
        plain = f"{kind}\n{response.text}".encode()
        return self._sealer.seal(plain, *_names(task, "response"))

    def responded(self, task: KeptTask) -> Response | None:
        """Return the response of a task, None where it has none yet. Raises Unsealable."""
        if task.result is None:
            return None
        plain = self._sealer.unseal(task.result, *_names(task, "response"))
        kind, _, text = plain.decode().partition("\n")
        return _KINDS[kind](text)


def _names(task: KeptTask, what: str) -> tuple[str, ...]:
    return "task", what, task.id, task.principal, task.server
