"""Reads tools from JSON files: answers to `tools/list`, and what scans printed."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from gateway.files.text_files import read_text
from policies.values.calls import JsonValue
from policies.values.refusals import Refused
from policies.values.strict_json import parse

Listed: TypeAlias = dict[str, dict[str, Mapping[str, JsonValue]]]
"""Tools by server and name, as servers wrote them; a name alone where no more is known."""


def listed_tools(named: Sequence[str]) -> Listed:
    """Return the tools by server in the files that `[SERVER=]FILE` name.

    Raises InvalidDocument for files that cannot be read, and Refused for what holds no tools.
    """
    found: Listed = {}
    for text in named:
        server, sign, path = text.partition("=")
        if not sign:
            server, path = "", text
        for name, tools in _inside(parse(read_text(Path(path)).encode()), server):
            if not name:
                instead = f"write `--tools SERVER={path}`"
                raise Refused(f"`{path}` does not say whose tools these are; {instead}")
            found.setdefault(name, {}).update(tools)
    if named and not found:
        instead = 'write what `tools/list` answers: `{"tools": [{"name": …}]}`'
        raise Refused(f"`{named[0]}` holds no list of tools; {instead}")
    return found


def _inside(
    value: JsonValue, server: str
) -> Iterator[tuple[str, dict[str, Mapping[str, JsonValue]]]]:
    """Yield servers with their tools, however deep they stand in what was printed."""
    if isinstance(value, list):
        if any(isinstance(each, dict) and "tools" in each for each in value):
            for each in value:
                yield from _inside(each, server)
        elif value:
            yield server, _by_name(value)
    elif isinstance(value, dict):
        tools = value.get("tools")
        if value.get("failure") is not None:
            return  # the scan did not get to know this server's tools
        if isinstance(tools, list):
            yield _server(value) or server, _by_name(tools)
            return
        for key in ("result", "servers"):
            if key in value:
                yield from _inside(value[key], server)


def _by_name(listed: list[JsonValue]) -> dict[str, Mapping[str, JsonValue]]:
    return {name: _definition(each, name) for each in listed if (name := _name(each))}


def _definition(value: JsonValue, name: str) -> Mapping[str, JsonValue]:
    if isinstance(value, dict):
        inner = value.get("definition", value)
        if isinstance(inner, dict):
            return {**inner, "name": name}
    return {"name": name}


def _server(value: dict[str, JsonValue]) -> str:
    named = value.get("server", value.get("name"))
    return named if isinstance(named, str) else ""


def _name(value: JsonValue) -> str:
    if isinstance(value, dict):
        value = value.get("tool", value.get("name"))
    return value if isinstance(value, str) else ""
