"""Finds arguments that some servers take for others: those that are almost named as in a schema."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from policies.values.calls import JsonValue, Tool
from policies.values.strict_json import Json, folded_key

_MOST = 100
"""Schemas that are looked at for one value; a schema may be made of itself."""

_MOST_PARTS = 100_000
"""Schemas and properties of a tool that are looked at in all: nobody can make that slow."""

_TOGETHER = ("allOf", "anyOf", "oneOf")
_ITEMS = ("items", "prefixItems")


@dataclass(frozen=True)
class NearName:
    """The name of an argument, and the one in the schema that it is almost."""

    given: str
    meant: str


def near_name(tool: Tool, arguments: Mapping[str, JsonValue]) -> NearName | None:
    """Return the first argument, at any depth, that is almost one of the tool's schema.

    A reader that does not look at case takes `Force` for `force`, as Go's
    `encoding/json` does, and a condition that asks for `args.force` does not
    see it. Of what the schema does not describe nothing is said.
    """
    return _whole(tool.definition).near(arguments) if arguments else None


class _Definition:
    """The input schema of a tool, and how much more of it is looked at."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._left = _MOST_PARTS
        self._shapes: dict[tuple[int, ...], _Shape] = {}

    def shape(self, schemas: Iterable[Any]) -> "_Shape":
        """Return what these schemas say, with those that they are made of; the same for the same.

        All of them are parts of the root, which stays, so each is known by where it is.
        """
        found: dict[int, Mapping[str, Any]] = {}
        waiting = list(schemas)
        self.spend(len(waiting))
        while waiting and len(found) < _MOST and self._left > 0:
            schema = waiting.pop()
            if isinstance(schema, dict) and id(schema) not in found:
                found[id(schema)] = schema
                parts = list(self._parts(schema))
                self.spend(len(parts))
                waiting += parts
        return self._shapes.setdefault(tuple(found), _Shape(tuple(found.values()), self))

    def spend(self, parts: int) -> None:
        """Note that so many schemas or properties were looked at."""
        self._left -= parts

    def _parts(self, schema: Mapping[str, Any]) -> Iterator[Any]:
        """Yield the schemas that one is made of; references are those within the root."""
        for key in _TOGETHER:
            listed = schema.get(key)
            yield from listed if isinstance(listed, list) else ()
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference.startswith("#"):
            yield _at(self._root, reference)


class _Shape:
    """What the schemas of one value say."""

    def __init__(self, schemas: Sequence[Mapping[str, Any]], of: _Definition) -> None:
        self._schemas = schemas
        self._of = of
        self._below: dict[str, _Shape] = {}

    def near(self, value: Json) -> NearName | None:
        """Return the first name in a value that is almost one of the schemas'."""
        if isinstance(value, list):
            return next(filter(None, map(self._items.near, value)), None) if self._schemas else None
        for name, member in value.items() if isinstance(value, Mapping) else ():
            if name not in self._members:
                meant = self._folded.get(folded_key(name)) if self._members else None
                if meant is not None:
                    return NearName(name, meant)
            elif isinstance(member, list | dict):
                found = self._member(name).near(member)
                if found is not None:
                    return found
        return None

    @cached_property
    def _members(self) -> dict[str, list[Any]]:
        """The schemas of an object's properties, by their names."""
        found: dict[str, list[Any]] = {}
        for schema in self._schemas:
            properties = schema.get("properties")
            if isinstance(properties, dict):
                self._of.spend(len(properties))
                for name, each in properties.items():
                    found.setdefault(name, []).append(each)
        return found

    @cached_property
    def _folded(self) -> dict[str, str]:
        """The names of properties by their folded forms."""
        return {folded_key(name): name for name in self._members}

    @cached_property
    def _items(self) -> "_Shape":
        """The items of a list, wherever they stand in it."""
        found: list[Any] = []
        for schema in self._schemas:
            for key in _ITEMS:
                listed = schema.get(key)
                found += listed if isinstance(listed, list) else [listed]
        return self._of.shape(found)

    def _member(self, name: str) -> "_Shape":
        """Return what is said of a property that is there."""
        known = self._below.get(name)
        if known is None:
            known = self._below[name] = self._of.shape(self._members[name])
        return known


@lru_cache(maxsize=512)
def _whole(definition: str) -> _Shape:
    try:
        told = json.loads(definition)
    except (ValueError, RecursionError):
        told = None
    schema = told.get("inputSchema") if isinstance(told, dict) else None
    root = schema if isinstance(schema, dict) else {}
    return _Definition(root).shape([root])


def _at(root: Any, reference: str) -> Any:
    """Return what a JSON Pointer (RFC 6901) names; None where there is nothing."""
    for step in reference.removeprefix("#").split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        root = root.get(name) if isinstance(root, dict) else None
    return root
