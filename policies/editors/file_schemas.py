"""Writes JSON Schemas (2020-12) of the files, for editors: keys, values and what they mean."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from policies.configuration.configuration import Configuration
from policies.editors.field_descriptions import DESCRIPTIONS
from policies.rules.policy_file import PolicyFile, one_or_many
from policies.yaml.durations import written
from policies.yaml.fields import Shaped

_VARIABLE = r"\$\{"

SCHEMAS: Mapping[str, type[BaseModel]] = {"placet": Configuration, "policy": PolicyFile}
"""The files that have a schema, and the models they follow; an included file is a policy too."""


def file_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a file of SCHEMAS.

    It takes every valid file; what a schema cannot say (names that must exist,
    conditions, bounds of durations) is for `placet check`. Raises KeyError.
    """
    schema = _schema(SCHEMAS[name])
    if name == "placet":
        for part in _parts(schema):
            if "pattern" in part:
                part["pattern"] = f"{part['pattern']}|{_VARIABLE}"
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema}


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(schema_generator=_Generator)
    for title, part in {model.__name__: schema, **schema.get("$defs", {})}.items():
        for key, inner in part.get("properties", {}).items():
            said = DESCRIPTIONS.get(f"{title}.{key}") or DESCRIPTIONS.get(key)
            if said and "description" not in inner:
                inner["description"] = said
    for part in _parts(schema):
        if isinstance(part.get("title"), str):
            del part["title"]
    return schema


def _parts(schema: object) -> Iterator[dict[str, Any]]:
    """Yield every map in a schema that is no map of properties by their names."""
    if isinstance(schema, list):
        for each in schema:
            yield from _parts(each)
    if not isinstance(schema, dict):
        return
    yield schema
    for key, inner in schema.items():
        named = key in ("properties", "$defs", "patternProperties") and isinstance(inner, dict)
        yield from _parts(list(inner.values()) if named else inner)


class _Generator(GenerateJsonSchema):
    """Says what our files take: no nulls, durations as people write them, no other keys."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        found = super().default_schema(schema)
        if found.get("default", ...) is None:
            del found["default"]
        return found

    def encode_default(self, dft: object) -> Any:
        if isinstance(dft, timedelta):
            return written(dft)
        if isinstance(dft, BaseModel):
            return {key: self.encode_default(value) for key, value in dict(dft).items()}
        return super().encode_default(dft)

    def function_after_schema(
        self, schema: core_schema.AfterValidatorFunctionSchema
    ) -> JsonSchemaValue:
        check: object = schema["function"]["function"]
        found = super().function_after_schema(schema)
        return {**found, **check.shape} if isinstance(check, Shaped) else found

    def function_before_schema(
        self, schema: core_schema.BeforeValidatorFunctionSchema
    ) -> JsonSchemaValue:
        found = super().function_before_schema(schema)
        if schema["function"]["function"] is not one_or_many:
            return found
        return {"anyOf": [found["items"], {**found, "minItems": 1}]}

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        found = super().dict_schema(schema)
        if "patternProperties" in found:
            found["additionalProperties"] = False
        return found
