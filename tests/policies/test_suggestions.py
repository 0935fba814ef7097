"""Other arguments for a call: what can be edited, what can be suggested, what is told of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.checking.suggestions import Unusable, difference, editable, suggestion

ASKED = '{"amount":100.00000000000000000001,"token":"[hidden]","to":["a","Bearer [hidden]"]}'


def test_numbers_are_edited_and_suggested_as_they_are_written() -> None:
    assert '"amount": 100.00000000000000000001' in (editable(ASKED) or "")
    assert suggestion('{"amount": 1.0}', ASKED) == '{"amount":1.0}'
    assert suggestion('{"amount": 1}', '{"amount":1.0}') == '{"amount":1}'


def test_what_would_not_be_seen_is_edited_as_an_escape() -> None:
    assert editable('{"a":"x\u202e\U000e0041é"}') == ('{\n  "a": "x\\u202e\\udb40\\udc41é"\n}')


def test_what_no_field_holds_is_not_edited() -> None:
    assert editable(json.dumps({"a": "x" * 3_000})) is None


def test_a_hidden_value_can_stay_or_go() -> None:
    stays = '{"amount": 1, "token": "[hidden]", "to": ["a", "Bearer [hidden]"]}'

    assert suggestion(stays, ASKED) is not None
    assert suggestion('{"amount": 1}', ASKED) == '{"amount":1}'


@pytest.mark.parametrize(
    "written",
    ['{"other": "[hidden]"}', '{"to": ["Bearer [hidden]"]}', '{"token": "x[hidden]"}'],
)
def test_a_hidden_value_cannot_be_put_elsewhere(written) -> None:
    with pytest.raises(Unusable, match="leave it where it was"):
        suggestion(written, ASKED)


@pytest.mark.parametrize(
    ("written", "patterns"),
    [
        ('{"password": "hunter2hunter2"}', ()),
        ('{"card": {"number": "1"}}', ("card.number",)),
        ('{"note": "ghp_16C7e42F292c6912E7710c838347Ae178B4a"}', ()),
    ],
)
def test_what_the_ledger_would_hide_is_not_suggested(written, patterns) -> None:
    with pytest.raises(Unusable, match="may be a secret; leave it out"):
        suggestion(written, ASKED, patterns)


@pytest.mark.parametrize(
    "written",
    ["", "null", "3", "[1]", "{", '{"a":1,"a":2}', "\ufeff{}", '{"a":1e999}', "x" * 3_001],
)
def test_only_one_strict_json_object_is_a_suggestion(written) -> None:
    with pytest.raises(Unusable):
        suggestion(written, ASKED)


def test_the_difference_is_told_line_by_line() -> None:
    told = difference('{"branch":"main","force":true}', '{"branch":"main","force":false}')

    assert told == ' {\n   "branch": "main",\n-  "force": true\n+  "force": false\n }'


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=40), max_size=5))
def test_what_is_offered_and_not_changed_is_no_suggestion(members) -> None:
    folded = {key.casefold() for key in members}
    arguments = json.dumps(members, ensure_ascii=False)
    if len(folded) != len(members) or not arguments.isprintable():
        return

    assert suggestion(editable(arguments) or "", arguments) is None


def test_what_stands_round_a_hidden_part_is_not_taken_for_a_secret_of_the_person() -> None:
    asked = json.dumps({"a": "curl -H 'Authorization: Bearer [hidden]' said 401", "b": 1})

    assert suggestion(asked, asked) is None
    changed = suggestion(asked.replace("1}", "2}"), asked)
    assert changed == '{"a":"curl -H \'Authorization: Bearer [hidden]\' said 401","b":2}'
