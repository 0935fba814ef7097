"""The kinds of text a file of tests may hold: moments, JSON values, counts of approvals."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, GetPydanticSchema
from pydantic_core import core_schema

from policies.conditions.amounts import exact_amount
from policies.values.calls import JsonValue, Number
from policies.values.matching import Target
from policies.values.refusals import Refused
from policies.values.strict_json import parse
from policies.yaml.composing import Value
from policies.yaml.validation import Wrong


@dataclass(frozen=True)
class JsonObject:
    """A JSON object as a file writes it; numbers keep the text that stands for them."""

    values: Mapping[str, JsonValue] = field(default_factory=dict)


def json_of(value: Value) -> JsonValue:
    """Return a value of a YAML file as JSON. Raises Wrong for numbers that JSON does not have."""
    match value:
        case bool() | str() | None:
            return value
        case int():
            return Number(str(value))
        case float():
            if not math.isfinite(value):
                raise Wrong("holds a number that JSON does not have", "write a finite number")
            return Number(repr(value))
        case list():
            return [json_of(each) for each in value]
        case dict():
            return {key: json_of(each) for key, each in value.items()}


def _object(value: object) -> JsonObject:
    if isinstance(value, str):
        try:
            found = parse(value.encode())
        except Refused as refused:
            what = f"is text that is no strict JSON: {refused}"
            raise Wrong(what, "write it like '{\"amount\": 1.00}', or as YAML") from None
    else:
        found = json_of(value) if isinstance(value, dict) else None
    if not isinstance(found, dict):
        raise Wrong("must be a map, or a JSON object as text", "write `{path: notes.txt}`")
    return JsonObject(found)


def _tool(value: object) -> JsonObject:
    """Return a tool as its server lists it; its name alone is a tool of which no more is known."""
    if isinstance(value, str) and not value.lstrip().startswith("{"):
        return JsonObject({"name": value})
    found = _object(value)
    if not isinstance(found.values.get("name"), str):
        raise Wrong("is not a tool", "write its name, or a map with `name`, as the server lists it")
    return found


def _moment(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise Wrong("is not a moment", "write it with its zone, like `2026-01-31T17:30:00Z`")
    return found.astimezone(UTC)


def _call(value: object) -> object:
    server, slash, tool = value.partition("/") if isinstance(value, str) else ("", "", "")
    if not (server and slash and tool):
        raise Wrong("is not `server/tool`", "write both sides, for example `files/read_file`")
    return value


def _target(value: object) -> object:
    try:
        Target.parse(value if isinstance(value, str) else "")
    except ValueError:
        raise Wrong("is not `server/tool`", 'write both sides, for example "files/*"') from None
    return value


def _counts(value: object) -> object:
    several = value if isinstance(value, dict) else {"": value}
    if not several or not all(type(each) is int and each > 0 for each in several.values()):
        instead = "write a number, or one for each team like `{platform: 2, security: 1}`"
        raise Wrong("is not a count of approvals", instead)
    return value


def _amounts(value: object) -> object:
    found = value if isinstance(value, dict) else {}
    amounts = {name: _amount(each) for name, each in found.items()}
    if not amounts:
        instead = "write how much is taken of which, for example `{refunds: 900}`"
        raise Wrong("is not a map of limits and amounts", instead)
    return amounts


def _amount(value: object) -> object:
    written = str(value) if type(value) in (int, float, str) else ""
    amount = exact_amount(written)
    if amount is None or amount < 0:
        raise Wrong("is not an amount", "write a number that is not negative")
    return amount


def _standing(value: object) -> object:
    names = [value] if isinstance(value, str) else value
    if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
        return dict.fromkeys(names, 1)
    return _counts(value) if isinstance(value, dict) else _counts(None)


_MADE = GetPydanticSchema(lambda *_: core_schema.is_instance_schema(JsonObject))
Json = Annotated[JsonObject, _MADE, BeforeValidator(_object)]
"""A JSON object, written as YAML or as JSON text."""
Definition = Annotated[JsonObject, _MADE, BeforeValidator(_tool)]
"""A tool object of MCP's `tools/list`, or the tool's name alone."""
Moment = Annotated[datetime, BeforeValidator(_moment)]
"""A moment with its zone; in UTC once it is read."""
CalledTool = Annotated[str, BeforeValidator(_call)]
"""The tool that is called: `server/tool`."""
GrantTarget = Annotated[str, BeforeValidator(_target)]
"""What a grant is for: `server/tool`, both may be globs."""
Counts = Annotated[int | dict[str, int], BeforeValidator(_counts)]
"""How many approvals are asked: of the only team, or of each."""
Amount = Annotated[Decimal, BeforeValidator(_amount)]
"""An amount that is not negative, exactly as it is written."""
Amounts = Annotated[dict[str, Decimal], BeforeValidator(_amounts)]
"""How much is taken of limits, by their names."""
Standing = Annotated[dict[str, int], BeforeValidator(_standing)]
"""How many approvers of each team gave a grant; of a team that is only named it is one."""
