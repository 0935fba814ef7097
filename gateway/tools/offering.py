"""What Placet's own conversation with a server claims to be capable of, and gives."""

from collections.abc import Mapping
from typing import Final

from policies.values.calls import JsonValue, Number
from policies.values.strict_json import plain

OFFERED: Final[Mapping[str, object]] = {
    "roots": {},
    "sampling": {"context": {}, "tools": {}},
    "elicitation": {"form": {}, "url": {}},
    "tasks": {"requests": {"sampling": {"createMessage": {}}, "elicitation": {"create": {}}}},
}
"""What a client of 2025-11-25 may be capable of: many servers list a tool to those only who are."""

_GIVEN: Mapping[str, object] = {"ping": {}, "roots/list": {"roots": []}}
"""Results of requests of a server; all others are answered with an error."""

_NOT_GIVEN = {
    "code": -32601,
    "message": "Placet only looks at the tools, and has this of no client",
}


def response_to(told: Mapping[str, JsonValue]) -> dict[str, object] | None:
    """Return the answer to a request of a server; None where the message is no request."""
    method, number = told.get("method"), told.get("id")
    if not isinstance(method, str) or not isinstance(number, str | Number):
        return None
    said = {"result": _GIVEN[method]} if method in _GIVEN else {"error": _NOT_GIVEN}
    return {"jsonrpc": "2.0", "id": plain(number), **said}
