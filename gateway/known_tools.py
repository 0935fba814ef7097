"""Reads the names of tools from JSON files: answers to `tools/list`, and what scans printed."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from gateway.text_files import read_text
from policies.calls import JsonValue
from policies.refusals import Refused
from policies.strict_json import parse


def listed_tools(named: Sequence[str]) -> dict[str, set[str]]:
    """Return the tools by server in the files that `[SERVER=]FILE` name.

    Raises InvalidDocument for files that cannot be read, and Refused for what holds no tools.
    """
    found: dict[str, set[str]] = {}
    for text in named:
        server, sign, path = text.partition("=")
        if not sign:
            server, path = "", text
        for name, tools in _inside(parse(read_text(Path(path)).encode()), server):
            if not name:
                instead = f"write `--tools SERVER={path}`"
                raise Refused(f"`{path}` does not say whose tools these are; {instead}")
            found.setdefault(name, set()).update(tools)
    if named and not found:
        instead = 'write what `tools/list` answers: `{"tools": [{"name": …}]}`'
        raise Refused(f"`{named[0]}` holds no list of tools; {instead}")
    return found


def _inside(value: JsonValue, server: str) -> Iterator[tuple[str, set[str]]]:
    """Yield servers with their tools, however deep they stand in what was printed."""
    if isinstance(value, list):
        if any(isinstance(each, dict) and "tools" in each for each in value):
            for each in value:
                yield from _inside(each, server)
        elif value:
            yield server, {name for each in value if (name := _name(each))}
    elif isinstance(value, dict):
        tools = value.get("tools")
        if value.get("failure") is not None:
            return  # the scan did not get to know this server's tools
        if isinstance(tools, list):
            yield _server(value) or server, {name for each in tools if (name := _name(each))}
            return
        for key in ("result", "servers"):
            if key in value:
                yield from _inside(value[key], server)


def _server(value: dict[str, JsonValue]) -> str:
    named = value.get("server", value.get("name"))
    return named if isinstance(named, str) else ""


def _name(value: JsonValue) -> str:
    if isinstance(value, dict):
        value = value.get("tool", value.get("name"))
    return value if isinstance(value, str) else ""
