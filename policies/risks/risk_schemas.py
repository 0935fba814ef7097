"""Finds in a tool's input schema what the tool can do."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from policies.risks import risk_words as words
from policies.risks.risk_names import Speaking
from policies.risks.risk_words import VERBS
from policies.values.calls import Risk

HUMPS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
"""The words of a name, in whichever case it is written."""

_MOST_PARTS = 2000
"""Objects and lists of a schema that are looked at."""
_SAYING = words.CODE_FIELDS | words.ACTION_FIELDS | words.SWEEPING | words.AMOUNT_FIELDS
_UNSEEN: tuple[str, Mapping[str, Any]] = ("a command, for all that can be seen", {})
_CONTAINERS = frozenset({dict, list})
_LISTS = frozenset({"enum", "anyOf", "oneOf"})
_NOT_RUN = frozenset({"boolean", "integer", "number"})
_ABOUT = frozenset({"id", "ids", "uuid", "type", "timeout", "count", "version", "status", "name"})
"""Last words in the name of an argument that is not run itself, as in `script_id`."""


@dataclass(frozen=True)
class Schema:
    """What an input schema says: the gravest things, and what makes a change a destructive one."""

    speaking: tuple[Speaking, ...]
    sweeping: str | None


_SILENT = Schema((), None)


def read_schema(definition: str) -> Schema:
    """Return what the input schema in a tool's definition (canonical JSON) says.

    What cannot be read counts as write, what is too large to be looked through
    as something that is run.
    """
    if '"inputSchema"' not in definition:
        return _SILENT
    try:
        schema = json.loads(definition).get("inputSchema")
    except (ValueError, RecursionError, AttributeError):
        return Schema(((Risk.WRITE, "its definition cannot be read"),), None)
    fields = [
        (name, field if isinstance(field, dict) else {})
        for name, field in _fields(schema)
        if _matters(name)
    ]
    if not fields:
        return _SILENT
    spoken = [each for name, field in fields for each in _field(name, field)]
    if {name.lower() for name, _ in fields} >= words.AMOUNT_FIELDS:
        spoken.append((Risk.FINANCIAL, "the arguments `amount` and `currency`"))
    sweeping = (name for name, field in fields if _sweeps(name, field))
    return Schema(tuple(spoken), next(sweeping, None))


@lru_cache(maxsize=8192)
def _tokens(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in HUMPS.findall(name))


@lru_cache(maxsize=8192)
def _matters(key: str) -> bool:
    """Tell whether an argument of this name could say anything."""
    return not _SAYING.isdisjoint(_tokens(key))


def _fields(schema: Any) -> Iterator[tuple[str, Any]]:
    """Yield the arguments at any depth, by name; where there are too many, one that is run."""
    waiting, seen = [schema], 0
    while waiting:
        part = waiting.pop()
        if type(part) is dict:
            properties = part.get("properties")
            if type(properties) is dict:
                yield from properties.items()
            part = part.values()
        elif type(part) is not list:
            continue
        waiting += [each for each in part if type(each) in _CONTAINERS]
        seen += 1
        if seen > _MOST_PARTS:
            yield _UNSEEN
            return


def _field(name: str, field: Mapping[str, Any]) -> Iterator[Speaking]:
    tokens = _tokens(name)
    choices = list(_choices(field))
    if choices:
        if words.ACTION_FIELDS.intersection(tokens):
            yield from _chosen(name, choices)
        return
    given = field.get("type") not in _NOT_RUN
    if given and words.CODE_FIELDS.intersection(tokens) and tokens[-1] not in _ABOUT:
        yield Risk.EXECUTE, f"the argument `{name}`"


def _choices(field: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts that an argument may be, where its schema lists them."""
    for key in _LISTS.intersection(field):
        listed = field[key]
        for each in listed if isinstance(listed, list) else ():
            choice = each.get("const") if isinstance(each, dict) else each
            if isinstance(choice, str):
                yield choice


def _chosen(name: str, choices: list[str]) -> Iterator[Speaking]:
    """Yield what an argument lets a tool do, one choice of which is what it does."""
    for choice in choices:
        verb = next((word for word in _tokens(choice) if word in VERBS), None)
        if verb is not None:
            yield VERBS[verb], f"`{choice}` for the argument `{name}`"


def _sweeps(name: str, field: Mapping[str, Any]) -> bool:
    if field.get("type") not in {"boolean", None} or "enum" in field:
        return False
    return not words.SWEEPING.isdisjoint(_tokens(name))
