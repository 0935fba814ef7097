"""Turns what a server says of its tools into definitions with a hash."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256

from policies.secrets.redaction import redact_definition, redact_text
from policies.values.calls import Instructions, JsonValue, Tool
from policies.values.strict_json import canonical
from policies.values.tool_objects import description_of, hints_of

MOST_TOOLS = 5000
"""Tools of a server above which none is known: what is new of them is recorded at once."""

TOOL_NAME = r"^[^\x00-\x1f\x7f-\x9f]+$"
"""What a tool can be called: any characters but controls (Unicode's Cc)."""

LONGEST_NAME = 256
_NAME = re.compile(TOOL_NAME)
_LONGEST_DEFINITION = 1024 * 1024
_LONGEST_INSTRUCTIONS = 64 * 1024
_EXECUTIONS: Sequence[JsonValue] = [
    {"taskSupport": support} for support in ("forbidden", "optional", "required")
]


def tool_of(server: str, definition: Mapping[str, JsonValue]) -> Tool | None:
    """Return the tool that `definition` describes; None where it has no usable name.

    The hash is SHA-256 over the canonical JSON of the whole object: what
    misleads a model can hide in any member of it. Only whether the tool runs
    as a task is left out: it says nothing to a model, and servers tell it to
    clients of some protocol versions only. What is kept of the object is
    redacted.
    """
    definition = _whatever_the_version(definition)
    name = definition.get("name")
    if not isinstance(name, str) or not is_tool_name(name):
        return None
    written = canonical(definition)
    if len(written) > _LONGEST_DEFINITION:
        return None
    kept = redact_definition({key: value for key, value in definition.items() if key != "name"})
    assert isinstance(kept, dict), "an object stays one"
    return Tool(
        server=server,
        name=name,
        description=description_of(kept),
        definition=canonical({**kept, "name": name}),
        hash=sha256(written.encode()).hexdigest(),
        hints=hints_of(definition),
    )


def _whatever_the_version(definition: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    """Return a definition without `execution`, where that says no more than the protocol lets it.

    Source: specification 2025-11-25, schema, `ToolExecution`; later versions have none.
    """
    if definition.get("execution") not in _EXECUTIONS:
        return definition
    return {name: value for name, value in definition.items() if name != "execution"}


def instructions_of(text: JsonValue) -> Instructions | None:
    """Return what a server tells models; None where that is nothing, no text or above 64 KiB.

    The hash is SHA-256 over the text as it is; what is kept of it is redacted.
    """
    if not isinstance(text, str) or not text or len(text) > _LONGEST_INSTRUCTIONS:
        return None
    whole = text.encode(errors="surrogatepass")
    return Instructions(redact_text(text).text, sha256(whole).hexdigest())


def is_tool_name(name: str) -> bool:
    """Tell whether a tool can be called so: 1 to 256 characters, none of them a control."""
    return len(name) <= LONGEST_NAME and _NAME.fullmatch(name) is not None


def tools_of(server: str, listed: Sequence[JsonValue]) -> tuple[Tool, ...]:
    """Return the tools of a list, without those whose name stands there twice with two meanings."""
    found = {
        (tool.name, tool.hash): tool
        for definition in listed
        if isinstance(definition, dict) and (tool := tool_of(server, definition)) is not None
    }
    names = Counter(name for name, _ in found)
    return tuple(tool for tool in found.values() if names[tool.name] == 1)
