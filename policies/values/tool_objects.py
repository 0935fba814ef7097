"""Reads what a tool object of MCP says of the tool, beside its schemas."""

from collections.abc import Mapping

from policies.values.calls import JsonValue, Tool
from policies.values.strict_json import NotStrict, parse

_HINTS = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")


def tool_in(server: str, name: str, definition: str, digest: str = "") -> Tool:
    """Return the tool that a recorded definition (canonical JSON) describes."""
    try:
        told = parse(definition.encode())
    except (NotStrict, UnicodeEncodeError):
        told = None
    members: Mapping[str, JsonValue] = told if isinstance(told, dict) else {}
    return Tool(
        server=server,
        name=name,
        description=description_of(members),
        definition=definition,
        hash=digest,
        hints=hints_of(members),
    )


def description_of(members: Mapping[str, JsonValue]) -> str:
    """Return the description, empty where there is none."""
    description = members.get("description")
    return description if isinstance(description, str) else ""


def hints_of(members: Mapping[str, JsonValue]) -> dict[str, bool]:
    """Return the annotations that are hints, as far as the server gave them."""
    annotations = members.get("annotations")
    if not isinstance(annotations, dict):
        return {}
    return {hint: value for hint in _HINTS if isinstance(value := annotations.get(hint), bool)}
