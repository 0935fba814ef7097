"""Keeps the tools that a client was shown whose arguments headers have to repeat."""

import json
from collections.abc import Mapping

from gateway.wire.definitions import tools_of
from policies.values.calls import JsonValue, Tool
from policies.values.refusals import Refused
from policies.values.strict_json import canonical, parse

_ANNOTATION = b"x-mcp-header"


class ShownTools:
    """The definitions with annotations, by name, from every list that came by."""

    def __init__(self) -> None:
        """Know none yet."""
        self.known: dict[str, Tool] = {}

    def note(self, body: bytes) -> str | None:
        """Take in the answer to a `tools/list`; return the cursor of its next page."""
        result = _member(body, "result")
        listed, cursor = result.get("tools"), result.get("nextCursor")
        if isinstance(listed, list) and _ANNOTATION in body:
            self.known |= {tool.name: tool for tool in tools_of("", listed)}
        return cursor if isinstance(cursor, str) and cursor else None


def listing(meta: JsonValue, cursor: str | None) -> bytes:
    """Return a `tools/list` of our own, as the client with this `_meta` would send it."""
    more = f',"cursor":{json.dumps(cursor)}' if cursor else ""
    params = f'{{"_meta":{canonical(meta)}{more}}}'
    return f'{{"jsonrpc":"2.0","id":"placet","method":"tools/list","params":{params}}}'.encode()


def code_of(body: bytes) -> str:
    """Return the code of a JSON-RPC error as it is written; empty where there is none."""
    code = _member(body, "error").get("code")
    return canonical(code) if code is not None else ""


def _member(body: bytes, name: str) -> Mapping[str, JsonValue]:
    try:
        message = parse(body)
    except Refused:
        return {}
    member = message.get(name) if isinstance(message, dict) else None
    return member if isinstance(member, dict) else {}
