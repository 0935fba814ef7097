"""Reads what Claude Code tells its hooks, and writes what they tell it; it needs next to nothing.

Source: Claude Code's hooks reference, and version 2.1 as it is shipped.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeAlias

from policies.values.calls import JsonValue, Number
from policies.values.refusals import Refused
from policies.values.strict_json import canonical, parse

_MCP = "mcp__"
_LONGEST_REASON = 10_000


class Unreadable(Refused):
    """What came on stdin is not what Claude Code tells a hook."""


@dataclass(frozen=True)
class Use:
    """Claude wants to use a tool, and is not to before somebody said so."""

    server: str
    tool: str
    arguments: Mapping[str, JsonValue]
    request_id: str | None


@dataclass(frozen=True)
class Elsewhere:
    """Claude wants to use a tool that is decided on elsewhere: at Placet's own MCP path."""

    server: str


@dataclass(frozen=True)
class Used:
    """Claude used a tool: `outcome` is as the API has it, `size` in bytes."""

    request_id: str | None
    outcome: str
    duration_ms: int
    size: int
    error: str | None


@dataclass(frozen=True)
class Other:
    """Something else happened; `blocks` says that to answer nothing could let a tool be used."""

    event: str
    blocks: bool


Told: TypeAlias = Use | Elsewhere | Used | Other


def read(text: bytes, server: str, behind: Sequence[str] = ()) -> Told:
    """Return what Claude Code tells a hook in `text`. Raises Unreadable.

    `server` is what its own tools are of. `behind` names MCP servers that it
    reaches through Placet: by their names, or `name@source` where only a
    definition of that source (`user`, `project`, `managed`, …) is meant.
    """
    try:
        told = parse(text)
    except Refused as flaw:
        used = _used_loosely(text)
        if used is None:
            raise Unreadable(f"what Claude Code said cannot be read: {flaw}") from None
        return used
    if not isinstance(told, dict):
        raise Unreadable("what Claude Code said is not a JSON object")
    event, tool = told.get("hook_event_name"), told.get("tool_name")
    if not isinstance(event, str) or not event:
        raise Unreadable("what Claude Code said names no `hook_event_name`")
    match event:
        case "PreToolUse":
            return _use(told, server, behind)
        case "PostToolUse" | "PostToolUseFailure":
            return _used(told, failed=event != "PostToolUse")
        case _:
            return Other(event, blocks=tool is not None)


def permission(decision: str, reason: str) -> str:
    """Return the answer to PreToolUse: `allow` or `deny`, and why."""
    told = {
        "hookEventName": "PreToolUse",
        "permissionDecision": decision,
        "permissionDecisionReason": reason[:_LONGEST_REASON],
    }
    return json.dumps({"hookSpecificOutput": told})


def _use(told: Mapping[str, JsonValue], server: str, behind: Sequence[str]) -> Use | Elsewhere:
    name, arguments = told.get("tool_name"), told.get("tool_input", {})
    if not isinstance(name, str) or not name:
        raise Unreadable("what Claude Code said names no `tool_name`")
    if not isinstance(arguments, dict):
        raise Unreadable("what Claude Code said has a `tool_input` that is no object")
    if not name.startswith(_MCP):
        return Use(server, name, arguments, _request_id(told))
    of, tool, source = _mcp(name, told.get("mcp_server"))
    if _is_behind(of, source, behind):
        return Elsewhere(of)
    return Use(of, tool, arguments, _request_id(told))


def _mcp(name: str, about: JsonValue) -> tuple[str, str, str | None]:
    """Return server, tool and the source of the server's definition. Raises Unreadable.

    Names may hold `__` themselves, so where Claude Code says which server it
    is, that is what counts; where it does not, such a name is refused.
    """
    rest = name.removeprefix(_MCP)
    server = about.get("name") if isinstance(about, dict) else None
    if isinstance(about, dict) and isinstance(server, str) and server:
        source = about.get("source")
        tool = rest.removeprefix(f"{_normalised(server)}__")
        if tool == rest or not tool:
            raise Unreadable("what Claude Code said names a tool that is not its server's")
        return server, tool, source if isinstance(source, str) else None
    server, parted, tool = rest.partition("__")
    if not (server and parted and tool) or "__" in tool or tool.startswith("_"):
        raise Unreadable("it cannot be told which MCP server the tool is of")
    return server, tool, None


def _normalised(server: str) -> str:
    """Return a server's name as it stands in the names of tools."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in server)


def _is_behind(server: str, source: str | None, behind: Sequence[str]) -> bool:
    return any(
        server == named and (not wanted or source == wanted)
        for named, _, wanted in (entry.partition("@") for entry in behind)
    )


def _used_loosely(text: bytes) -> Used | None:
    """Return how a use ended whose answer is not strict JSON; None where `text` is anything else.

    Nothing is decided by what a tool answered, so that it may hold half a
    character, keys that differ in case, or nest deeply. Where `text` could be
    about another event, it is read as none.
    """
    try:
        told = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=Number,
            parse_float=Number,
            parse_constant=_no_constant,
        )
        event = told.get("hook_event_name") if isinstance(told, dict) else None
        if event in {"PostToolUse", "PostToolUseFailure"}:
            return _used(told, failed=event != "PostToolUse")
    except (ValueError, OverflowError, RecursionError):
        return None
    return None


def _object(members: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    told = dict(members)
    if len(told) < len(members):
        raise ValueError("a key appears twice in one object")
    return told


def _no_constant(name: str) -> JsonValue:
    raise ValueError(f"`{name}` is not a JSON number")


def _used(told: Mapping[str, JsonValue], *, failed: bool) -> Used:
    error, duration = told.get("error"), told.get("duration_ms")
    outcome = "ok"
    if failed:
        outcome = "failed" if told.get("is_interrupt") is True else "tool-error"
    return Used(
        request_id=_request_id(told),
        outcome=outcome,
        duration_ms=max(round(duration.value), 0) if isinstance(duration, Number) else 0,
        size=0 if failed else len(_bytes(canonical(told.get("tool_response", None)))),
        error=_bytes(error).decode() if failed and isinstance(error, str) else None,
    )


def _bytes(text: str) -> bytes:
    """Return text in UTF-8, with `?` for each half of a character."""
    return text.encode(errors="replace")


def _request_id(told: Mapping[str, JsonValue]) -> str | None:
    """Return what this use of a tool is called, before and after alike; None where it has no id."""
    session, use = told.get("session_id"), told.get("tool_use_id")
    if not isinstance(session, str) or not isinstance(use, str) or not use:
        return None
    named = json.dumps([session, use]).encode()
    return f"claude-code.{sha256(named).hexdigest()[:40]}"
