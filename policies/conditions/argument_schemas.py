"""Looks up arguments in the input schemas of tools (JSON Schema, as MCP servers write it)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policies.conditions.argument_paths import Literal
from policies.values.calls import Tool

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int, float),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_COMBINING = ("$ref", "allOf", "anyOf", "oneOf", "if", "not", "patternProperties", "$dynamicRef")


@dataclass(frozen=True)
class Known:
    """A schema of which is known which properties there can be, or which value."""

    schema: Mapping[str, Any]

    @classmethod
    def of(cls, tool: Tool) -> "Known | None":
        """Return the input schema of a tool, None where nothing can be told of it."""
        try:
            definition = json.loads(tool.definition)
        except ValueError:
            return None
        schema = definition.get("inputSchema") if isinstance(definition, dict) else None
        return cls(schema) if isinstance(schema, dict) else None

    @property
    def names(self) -> tuple[str, ...] | None:
        """The properties that there can be; None where others may be too, or nothing is said."""
        properties = self.schema.get("properties")
        if any(key in self.schema for key in _COMBINING) or not isinstance(properties, dict):
            return None
        open_ = self.schema.get("additionalProperties", False if properties else None)
        return tuple(properties) if open_ is False else None

    def at(self, name: str) -> "Known | None":
        """Return the schema of a property, None where nothing is known of it."""
        properties = self.schema.get("properties")
        found = properties.get(name) if isinstance(properties, dict) else None
        return Known(found) if isinstance(found, dict) else None

    @property
    def types(self) -> tuple[str, ...]:
        """The JSON types that a value can have; none where nothing is said of them."""
        if any(key in self.schema for key in _COMBINING):
            return ()
        types = self.schema.get("type")
        listed = types if isinstance(types, list) else [types]
        known = tuple(each for each in listed if isinstance(each, str) and each in _TYPES)
        return known if len(known) == len(listed) else ()

    @property
    def choices(self) -> tuple[str, ...]:
        """The texts that a value can be, where there are but some."""
        listed = self.schema.get("enum")
        if not isinstance(listed, list) or any(key in self.schema for key in _COMBINING):
            return ()
        texts = tuple(each for each in listed if isinstance(each, str))
        return texts if len(texts) == len(listed) else ()

    def takes(self, literal: Literal) -> bool:
        """Say whether a value could be of the type of a literal, as far as that is known."""
        if literal is None or not self.types:
            return True
        if isinstance(literal, bool):
            return "boolean" in self.types
        return any(isinstance(literal, _TYPES[each]) for each in self.types if each != "boolean")
