"""A tool's hash covers all that its server says of it."""

import pytest

from gateway.wire.definitions import is_tool_name, tools_of
from policies.values.strict_json import parse

TOOL = b"""{"name": "t", "title": "T", "description": "d", "inputSchema": {"x": 1},
 "outputSchema": {"y": 1}, "annotations": {"readOnlyHint": true, "title": "x"},
 "icons": [], "execution": {}, "_meta": {"k": 1}, "unknown": 1.0}"""


def one(text):
    (tool,) = tools_of("files", [parse(text)])
    return tool


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"T"', b'"U"'),
        (b'"d"', b'"d "'),
        (b'{"x": 1}', b'{"x": 1.0}'),
        (b'{"y": 1}', b'{"y": 2}'),
        (b"true", b"false"),
        (b'"icons": []', b'"icons": [1]'),
        (b'{"k": 1}', b'{"k": null}'),
        (b'"unknown": 1.0', b'"unknown": 1'),
        (b', "unknown": 1.0', b""),
    ],
)
def test_any_change_of_the_definition_changes_the_hash(before, after):
    assert one(TOOL).hash != one(TOOL.replace(before, after)).hash


def test_blanks_and_the_order_of_keys_do_not():
    other = b'{"description":"d","name":"t"}'

    assert one(b'{ "name": "t", "description": "d" }').hash == one(other).hash


def test_hints_are_read_and_only_those():
    tool = one(TOOL)

    assert (tool.description, tool.hints) == ("d", {"readOnlyHint": True})


def test_what_has_no_usable_name_or_two_meanings_is_no_tool():
    listed = parse(
        b'[{"name":""},{"name":1},{},[],"x",{"name":"a\\u0000"},{"name":"b"},'
        b'{"name":"b","x":1},{"name":"c"},{"name":"c"}]'
    )

    assert [tool.name for tool in tools_of("files", listed)] == ["c"]


@pytest.mark.parametrize("name", ["a", "read_file", "a/b.c-d", "\u00e9\u202e", "x" * 256])
def test_names_of_visible_characters_will_do(name):
    assert is_tool_name(name)


@pytest.mark.parametrize("name", ["", "x" * 257, "a\x00", "a\n", "\x1b[2J", "\x85"])
def test_long_names_and_controls_will_not(name):
    assert not is_tool_name(name)


def test_what_is_kept_of_a_definition_holds_no_secret_and_all_its_arguments():
    text = b"""{"name": "t", "description": "use AKIAIOSFODNN7EXAMPLE",
     "_meta": {"api_key": "hunter2"}, "inputSchema": {"properties": {"path": {"default": "a"},
      "password": {"type": "string", "items": {"default": "hunter2"}, "examples": ["hunter2"]}}}}"""

    tool = one(text)

    assert tool.description == "use [hidden]"
    assert tool.definition == (
        '{"_meta":{"api_key":"[hidden]"},"description":"use [hidden]","inputSchema":{"properties":'
        '{"password":{"examples":"[hidden]","items":{"default":"[hidden]"},"type":"string"},'
        '"path":{"default":"a"}}},"name":"t"}'
    )
    assert tool.hash != one(text.replace(b"hunter2", b"hunter3")).hash


@pytest.mark.parametrize("support", ["forbidden", "optional", "required"])
def test_what_only_some_versions_of_the_protocol_tell_does_not_either(support):
    told = TOOL.replace(
        b'"execution": {}', b'"execution": {"taskSupport": "%s"}' % support.encode()
    )
    untold = TOOL.replace(b'"execution": {}, ', b"")

    assert one(told).hash == one(untold).hash
    assert one(told).definition == one(untold).definition


@pytest.mark.parametrize(
    "execution",
    [b"{}", b'"optional"', b'{"taskSupport": "optional", "x": 1}', b'{"taskSupport": "do it"}'],
)
def test_anything_else_that_stands_there_does(execution):
    told = TOOL.replace(b'"execution": {}', b'"execution": ' + execution)

    assert one(told).hash != one(TOOL.replace(b'"execution": {}, ', b"")).hash
