"""Writes the schemas of the JSON API so that clients made from them ask as they should."""

import json
from typing import Any

from gateway.api.problems import PREFIX, Kind

_Json = dict[str, Any]


def of_body(schema: _Json) -> _Json:
    """Return the schema of what a caller sends, its defaults in words.

    Of a `default`, some makers of clients (openapi-typescript) read that the
    member is always sent, and want it from whoever asks.
    """
    members = {}
    for name, member in schema["properties"].items():
        members[name] = {key: value for key, value in member.items() if key != "default"}
        if member.get("default") is not None:
            members[name]["description"] += f" `{json.dumps(member['default'])}` unless given."
    return schema | {"properties": members}


def of_query(member: _Json) -> _Json:
    """Return the schema of a parameter; a query holds no null, so that nobody sends the word."""
    kept = {key: value for key, value in member.items() if key != "description"}
    some = [kind for kind in kept.pop("anyOf", []) if kind != {"type": "null"}]
    if some:
        (kind,) = some
        del kept["default"]
        kept |= kind
    return kept


def problem() -> _Json:
    """Return the schema of an error (RFC 9457)."""
    error = {
        "type": "object",
        "required": ["pointer", "detail"],
        "properties": {
            "pointer": {"type": "string", "description": "Where, as a JSON Pointer (RFC 6901)."},
            "detail": {"type": "string"},
        },
    }
    return {
        "type": "object",
        "description": "A problem (RFC 9457).",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string", "enum": [f"{PREFIX}{kind}" for kind in Kind]},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "What is wrong, and what to do."},
            "errors": {"type": "array", "items": error},
        },
    }
