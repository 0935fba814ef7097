"""Reads the lines of a client that speaks MCP over stdio, and writes the headers HTTP wants."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from gateway.wire.errors import Code, Rejected
from gateway.wire.json_text import NotAnObject, members, with_member, with_members
from gateway.wire.mirrored_headers import encoded, headers_for
from gateway.wire.routing import VERSION_KEY
from policies.values.calls import JsonValue, Number, Tool
from policies.values.refusals import Refused
from policies.values.strict_json import canonical, parse

_NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_TASKS = "tasks/"
_BREAKING = frozenset("\r\n\0")
_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")
"""Line ends stand only between the tokens of JSON; on stdio they would end the message."""


class NoMessage(Refused):
    """A line is no JSON-RPC message; `id` is that of the request that it may be (JSON text)."""

    def __init__(self, text: str, code: Code, known: str | None = None) -> None:
        """Keep what the client is told."""
        super().__init__(text)
        self.code = code
        self.id = known


@dataclass(frozen=True)
class Asking:
    """A request of the client; `version` is the one that a modern one names for itself."""

    line: bytes
    id: str
    method: str
    params: Mapping[str, JsonValue]
    version: str | None


@dataclass(frozen=True)
class Telling:
    """A notification, or the client's answer to a request of the server (`method` is empty)."""

    line: bytes
    method: str
    params: Mapping[str, JsonValue]
    version: str | None


Line: TypeAlias = Asking | Telling


def read_line(line: bytes) -> Line:
    """Return what a line says. Raises NoMessage."""
    try:
        message = parse(line)
    except Refused as flaw:
        raise NoMessage(str(flaw), Code.PARSE_ERROR) from None
    if not isinstance(message, dict):
        text = "the line is no JSON-RPC object; send messages one by one"
        raise NoMessage(text, Code.INVALID_REQUEST)
    params = message.get("params")
    said: Mapping[str, JsonValue] = params if isinstance(params, dict) else {}
    meta = said.get("_meta")
    version = meta.get(VERSION_KEY) if isinstance(meta, dict) else None
    named = version if isinstance(version, str) else None
    if "method" not in message:
        return Telling(line, "", said, None)
    known = _id_of(message)
    method = _in_header(message["method"], "`method` is not the name of a method", known)
    if named is not None:
        _in_header(named, f"`{VERSION_KEY}` is not a version of the protocol", known)
    if known is not None:
        return Asking(line, known, method, said, named)
    return Telling(line, method, said, named)


def _id_of(message: Mapping[str, JsonValue]) -> str | None:
    """Return the id of a request as JSON text, None of a notification. Raises NoMessage."""
    if "id" not in message:
        return None
    known = message["id"]
    if not isinstance(known, str | Number):
        text = "`id` is neither text nor a whole number; send such an id"
        raise NoMessage(text, Code.INVALID_REQUEST)
    return canonical(known)


def _in_header(value: JsonValue, wrong: str, known: str | None) -> str:
    """Return text that a header can repeat. Raises NoMessage."""
    if not isinstance(value, str) or not value or not _BREAKING.isdisjoint(value):
        raise NoMessage(f"{wrong}; send it as text of one line", Code.INVALID_REQUEST, known)
    return value


def mirrored(line: Line, tools: Mapping[str, Tool]) -> dict[str, str]:
    """Return the headers in which a modern message repeats itself (transports, "Headers").

    `tools` are those whose definitions the client was shown.
    """
    if line.version is None or not line.method:
        return {}
    headers = {"MCP-Protocol-Version": line.version, "Mcp-Method": line.method}
    member = "taskId" if line.method.startswith(_TASKS) else _NAMED_BY.get(line.method, "")
    name = line.params.get(member)
    if isinstance(name, str):
        headers["Mcp-Name"] = encoded(name)
        tool = tools.get(name) if line.method == "tools/call" else None
        if tool is not None:
            headers |= headers_for(tool, line.params.get("arguments"))
    return headers


def on_one_line(body: bytes) -> bytes:
    """Return a message as it stands on stdio."""
    return body.strip().translate(_ONE_LINE) + b"\n"


def answers(body: bytes, known: str) -> bool:
    """Tell whether a message is the response to the request with this id (JSON text)."""
    try:
        text = body.decode()
        places = members(text)
        return "method" not in places and bool(json.loads(text[places["id"]]) == json.loads(known))
    except (ValueError, KeyError, NotAnObject):
        return False


def as_answer(body: bytes, known: str) -> bytes | None:
    """Return an error of the gateway as the answer to a request; None where it is none."""
    try:
        text = body.decode()
        places = members(text)
        if "error" not in places:
            return None
        if "id" in places:
            return with_member(text, "id", known).encode()
        return with_members(text, {"id": known}).encode()
    except (ValueError, NotAnObject):
        return None


def error(known: str | None, text: str, code: Code = Code.SERVER_FAILED) -> bytes:
    """Return an error of our own, as the answer to a request (its id as JSON text)."""
    body = Rejected(200, code, text).body()
    return body if known is None else with_member(body.decode(), "id", known).encode()
