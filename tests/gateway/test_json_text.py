"""Taking JSON text apart without changing it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.json_text import (
    NotAnObject,
    members,
    text_member,
    with_member,
    with_members,
    without,
)

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(st.text(), values, max_size=6)
spellings = st.sampled_from(
    [{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False}]
)


def spelled(value: object, spelling: dict) -> str:
    return json.dumps(value, **spelling)


def test_members_are_where_their_values_are_written():
    text = ' {"a" : 1.0 ,"\\u0062":[ {"x":"]}"} ], "c":"é\\"" }\n'

    found = {name: text[at] for name, at in members(text).items()}

    assert found == {"a": "1.0", "b": '[ {"x":"]}"} ]', "c": '"é\\""'}


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "[]",
        "1",
        '"a"',
        "{",
        "}",
        "{}x",
        "{} {}",
        '{"a"}',
        '{"a":}',
        '{"a":1,}',
        '{"a":1 "b":2}',
        '{"a":1',
        "{a:1}",
        '{"a":01}',
        '{"a":"\n"}',
        '{"a":nul}',
        "[" * 100_000,
        '{"a":' * 100_000,
    ],
)
def test_what_is_no_object_is_refused(text):
    with pytest.raises(NotAnObject):
        members(text)


@given(st.text(st.sampled_from('{}[]":,\\ua1e- \n'), max_size=40))
def test_no_text_raises_anything_else(text: str):
    try:
        found = members(text)
    except NotAnObject:
        return

    assert {name: json.loads(text[at]) for name, at in found.items()} == json.loads(text)


@given(objects, spellings)
def test_every_member_reads_as_it_did(value: dict, spelling: dict):
    text = spelled(value, spelling)

    found = {name: json.loads(text[at]) for name, at in members(text).items()}

    assert found == value


@given(objects, st.text(), spellings)
def test_added_members_stand_in_front_and_change_nothing_else(
    value: dict, name: str, spelling: dict
):
    text = spelled(value, spelling)

    added = with_members(text, {name: '"new"'})

    assert json.loads(added) == {name: "new", **value}
    assert added.endswith(text[1:])


@given(objects.filter(bool), spellings, st.data())
def test_a_replaced_member_changes_nothing_else(value: dict, spelling: dict, data):
    text = spelled(value, spelling)
    name = data.draw(st.sampled_from(sorted(value)))
    place = members(text)[name]

    replaced = with_member(text, name, "12.50")

    assert replaced == text[: place.start] + "12.50" + text[place.stop :]


@given(objects, st.frozensets(st.text()))
def test_dropped_members_are_gone_and_the_others_are_not(value: dict, dropped: frozenset):
    left = json.loads(without(json.dumps(value), dropped))

    assert left == {name: member for name, member in value.items() if name not in dropped}


@pytest.mark.parametrize("text", ["{}", '{"uri":1}', '{"uri":null}', "[]", '{"uri":["a"]}'])
def test_only_text_is_a_text_member(text):
    assert text_member(text, "uri") is None
    assert text_member('{"uri":"\\u0061"}', "uri") == "a"
