"""Arguments that a reader without regard to case takes for those of the schema are found."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from policies.values.calls import Tool
from policies.values.near_names import NearName, near_name


def tool(schema: Mapping[str, Any]) -> Tool:
    definition = json.dumps({"name": "remove", "inputSchema": schema})
    return Tool("files", "remove", "", definition, "aa" * 32)


OPTIONS = {"type": "object", "properties": {"sure": {"type": "boolean"}}}
PLAIN = tool({"type": "object", "properties": {"path": {"type": "string"}, "options": OPTIONS}})


def test_arguments_that_are_named_as_in_the_schema_are_near_to_none() -> None:
    assert near_name(PLAIN, {"path": "x", "options": {"sure": True}}) is None


def test_arguments_that_the_schema_does_not_name_are_near_to_none() -> None:
    assert near_name(PLAIN, {"paths": ["x"], "options": {"Depth": [{"PATH": "1"}]}}) is None


@pytest.mark.parametrize("given", ["Path", "PATH", "\uff50ath"])
def test_another_case_or_form_of_a_name_is_near_to_it(given: str) -> None:
    assert near_name(PLAIN, {given: "x"}) == NearName(given, "path")


@pytest.mark.parametrize("given", ["SURE", "\u017fure"])
def test_the_names_within_an_argument_count_as_well(given: str) -> None:
    assert near_name(PLAIN, {"options": {given: True}}) == NearName(given, "sure")


def test_two_names_that_a_schema_tells_apart_by_case_alone_are_both_its_own() -> None:
    both = tool({"properties": {"id": {}, "ID": {}}})

    assert near_name(both, {"id": "1"}) is None
    assert near_name(both, {"ID": "1"}) is None
    assert near_name(both, {"Id": "1"}) is not None


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/what"},
        {"allOf": [{"type": "object"}, {"$ref": "#/$defs/what"}]},
        {"properties": {"all": {"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/what"}]}}}},
        {"properties": {"all": {"items": [{"properties": {"force": {}}}, {}]}}},
    ],
)
def test_what_a_schema_is_made_of_counts(schema: dict[str, Any]) -> None:
    told = tool(schema | {"$defs": {"what": {"properties": {"force": {}, "more": schema}}}})
    given = {"Force": True}

    near = near_name(told, {"all": [{}, given]} if "properties" in schema else given)

    assert near == NearName("Force", "force")


def test_a_schema_that_is_made_of_itself_has_an_end() -> None:
    itself = {"$ref": "#/$defs/node"}
    node = {"anyOf": [itself, {"properties": {"next": itself, "force": {}}}]}
    told = tool(itself | {"$defs": {"node": node}})

    near = near_name(told, {"next": {"next": {"next": {"force": True, "Next": None}}}})

    assert near == NearName("Next", "next")


@pytest.mark.parametrize(
    "definition", ["", "[]", "{}", '{"inputSchema": true}', '{"inputSchema": {"properties": [1]}}']
)
def test_a_definition_that_says_nothing_of_arguments_names_none(definition: str) -> None:
    told = Tool("files", "remove", "", definition, "aa" * 32)

    assert near_name(told, {"Path": {"Path": ["1"]}}) is None


def test_a_schema_that_is_wide_and_made_of_itself_is_not_looked_at_for_ever() -> None:
    itself = {"$ref": "#/$defs/node"}
    wide = [{"properties": {f"p{number}": itself, "force": {}}} for number in range(500)]
    told = tool(itself | {"$defs": {"node": {"anyOf": [itself, *wide]}}})
    given: dict[str, Any] = {"Force": True}
    for _ in range(90):
        given = {"p499": given}

    assert near_name(told, given) == NearName("Force", "force")
