"""Asks a server about a task of its own that stands behind one of ours."""

import base64
import json
import re

from gateway.calls.collecting import Response, Result, collected
from gateway.calls.passing import Caller
from gateway.tasks.task_rounds import Handed
from gateway.upstreams import UpstreamRequest
from gateway.wire.json_text import NotAnObject, members, with_member

_PLAIN = re.compile(r"[!-~]([ -~]*[!-~])?")


async def asked_behind(
    caller: Caller, request: UpstreamRequest, ours: str, handed: Handed
) -> Response:
    """Return a server's response to a request about our task, with the ids exchanged both ways.

    Raises UpstreamFailed.
    """
    answer = await caller.server.upstream.forward(_renamed(request, handed.task))
    try:
        response = await collected(answer, lambda _: None)
    finally:
        if answer.stream is not None:
            await answer.stream.aclose()
    try:
        if isinstance(response, Result) and "taskId" in members(response.text):
            return Result(with_member(response.text, "taskId", json.dumps(ours)))
    except NotAnObject:
        return response
    return response


def _renamed(request: UpstreamRequest, name: str) -> UpstreamRequest:
    """Return the request about the server's own task, in body and header."""
    text = request.body.decode()
    params = text[members(text)["params"]]
    params = with_member(params, "taskId", json.dumps(name))
    headers = request.headers.copy()
    if "Mcp-Name" in headers:
        headers["Mcp-Name"] = _encoded(name)
    return request._replace(headers=headers, body=with_member(text, "params", params).encode())


def _encoded(name: str) -> str:
    """Return a name as a header can carry it (specification, transports, "Value Encoding")."""
    if _PLAIN.fullmatch(name) and not name.startswith("=?base64?"):
        return name
    return f"=?base64?{base64.b64encode(name.encode()).decode()}?="
