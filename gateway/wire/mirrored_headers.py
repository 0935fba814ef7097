"""Checks and writes the headers that repeat arguments of a call, as its tool's schema says.

The source is the specification 2026-07-28, transports, "Custom Headers from
Tool Parameters": a property with `x-mcp-header: Name` is repeated as the header
`Mcp-Param-Name`, so that whoever routes by that sees what the server will read.
"""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import NoReturn

from gateway.wire.errors import Code, Rejected, RequestId
from gateway.wire.routing import ENCODED, decoded
from policies.values.calls import JsonValue, Number, Tool
from policies.values.inert import inert_line
from policies.values.strict_json import NotStrict, parse

_ANNOTATION = "x-mcp-header"
_PREFIX = "Mcp-Param-"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PLAIN = re.compile(r"[ -~]*")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,99})(\.[0-9]{1,99})?([eE][+-]?[0-9]{1,3})?")
_TYPES = frozenset({"string", "integer", "boolean", "number"})
_DATA = frozenset({"default", "examples", "const", "enum", "properties"})
"""Keywords below which nothing is a schema, and the one that is looked at by itself."""

_ECHO = 60


@dataclass(frozen=True)
class Mirrored:
    """An argument, by its path, that a header repeats.

    A `number` is not to be repeated by the specification, but by some clients
    and servers: its header may be missing.
    """

    path: tuple[str, ...]
    header: str
    required: bool


def mirrored_by(tool: Tool) -> tuple[Mirrored, ...]:
    """Return the arguments that headers repeat.

    None where any annotation is not as the specification has it: clients
    drop such a tool, and repeat nothing.
    """
    return _mirrored(tool.definition) if _ANNOTATION in tool.definition else ()


def check_mirrored(
    tool: Tool,
    arguments: JsonValue,
    headers: Mapping[str, str],
    known: RequestId,
    *,
    required: bool,
) -> None:
    """Refuse headers that say something else than the arguments; unknown ones say nothing.

    With `required`, those that are missing too. Raises Rejected (HTTP 400).
    """
    for mirrored in mirrored_by(tool):
        given, value = headers.get(mirrored.header), _at(arguments, mirrored.path)
        if given is None:
            if required and mirrored.required and _text(value) is not None:
                _refuse(f"the header `{mirrored.header}` is missing; send it", mirrored, known)
        elif not _says(given, value):
            text = f"the header `{mirrored.header}` says something else; send both alike"
            _refuse(text, mirrored, known)


def headers_for(tool: Tool, arguments: JsonValue) -> dict[str, str]:
    """Return the headers with which a client has to repeat these arguments."""
    found = {}
    for mirrored in mirrored_by(tool):
        text = _text(_at(arguments, mirrored.path))
        if text is not None:
            found[mirrored.header] = encoded(text)
    return found


@lru_cache(maxsize=1024)
def _mirrored(definition: str) -> tuple[Mirrored, ...]:
    try:
        whole = parse(definition.encode(errors="surrogatepass"))
    except NotStrict:
        return ()
    schema = whole.get("inputSchema") if isinstance(whole, dict) else None
    found: dict[str, Mirrored] = {}
    for path, position in _positions(schema):
        if _ANNOTATION not in position:
            continue
        name, kind = position[_ANNOTATION], position.get("type")
        if not path or not isinstance(name, str) or _TOKEN.fullmatch(name) is None:
            return ()
        if not isinstance(kind, str) or kind not in _TYPES or name.lower() in found:
            return ()
        found[name.lower()] = Mirrored(path, _PREFIX + name, required=kind != "number")
    return tuple(found.values())


def _positions(
    schema: JsonValue,
) -> Iterator[tuple[tuple[str, ...] | None, Mapping[str, JsonValue]]]:
    """Yield every schema in a schema, with the path of properties that leads there.

    The path is None where something else than properties lies on the way.
    """
    waiting: list[tuple[tuple[str, ...] | None, JsonValue]] = [((), schema)]
    while waiting:
        path, position = waiting.pop()
        if isinstance(position, list):
            waiting += [(None, each) for each in position]
        elif isinstance(position, dict):
            yield path, position
            properties = position.get("properties")
            if isinstance(properties, dict):
                for name, each in properties.items():
                    waiting.append((None if path is None else (*path, name), each))
            waiting += [(None, each) for key, each in position.items() if key not in _DATA]


def _at(arguments: JsonValue, path: tuple[str, ...]) -> JsonValue:
    found = arguments
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _text(value: JsonValue) -> str | None:
    """Return a value as a header says it; None where no header does."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case Number():
            return value.text
        case _:
            return None


def _says(given: str, value: JsonValue) -> bool:
    """Tell whether a header says the value; numbers are compared as numbers."""
    said, text = decoded(given), _text(value)
    if said is None or text is None:
        return False
    if isinstance(value, Number) and _NUMBER.fullmatch(said) and _NUMBER.fullmatch(text):
        return Decimal(said) == Decimal(text)
    return said == text


def encoded(text: str) -> str:
    """Return a text as a header can carry it (transports, "Value Encoding")."""
    if _PLAIN.fullmatch(text) and text == text.strip() and not ENCODED.fullmatch(text):
        return text
    packed = base64.b64encode(text.encode(errors="surrogatepass")).decode()
    return f"=?base64?{packed}?="


def _refuse(text: str, mirrored: Mirrored, known: RequestId) -> NoReturn:
    where = inert_line(".".join(mirrored.path), _ECHO)
    raise Rejected(400, Code.HEADER_MISMATCH, f"{text} (argument `{where}`)", id=known)
