"""Whoever has the key can test a known value; nobody learns anything from the codes alone."""

import pytest

from policies.secrets.hidden_values import hidden_codes, holds
from policies.secrets.redaction import redact
from policies.values.calls import Number
from policies.values.digests import digest_key

KEY, OTHER = digest_key("k" * 32), digest_key("o" * 32)
TOKEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
VALUE = {
    "password": "horse",
    "card": {"number": Number("4111111111111111")},
    "notes": [f"use {TOKEN} and 4111 1111 1111 1111", "plain"],
    "credentials": {"a": Number("1.0")},
}


def codes(call="call_1", key=KEY, value=VALUE):
    return hidden_codes(call, value, redact(value, []).value, key)


def at(path, found):
    return [each for each in found if each.path == path]


@pytest.mark.parametrize(
    ("path", "candidate"),
    [
        ("password", "horse"),
        ("card.number", "4111111111111111"),
        ("notes", TOKEN),
        ("notes", "4111 1111 1111 1111"),
        ("credentials", '{ "a": 1.0 }'),
    ],
)
def test_a_known_value_is_told_from_others_where_it_was_hidden(path, candidate):
    found = at(path, codes())

    assert any(holds(candidate, "call_1", each, [OTHER, KEY]) for each in found)
    assert not any(holds(f"{candidate}x", "call_1", each, [KEY]) for each in found)
    assert not any(holds(candidate, "call_2", each, [KEY]) for each in found)


def test_every_hidden_value_has_a_code_of_128_bits_and_the_name_of_its_key():
    found = codes()

    assert len(found) == redact(VALUE, []).hidden
    assert {each.code.partition(":")[0] for each in found} == {KEY.id}
    assert {len(each.code.partition(":")[2]) for each in found} == {32}


def test_equal_values_have_nothing_in_common_that_shows():
    twice = {"password": "horse", "token": "horse"}

    found = {each.code for call in ("call_1", "call_2") for each in codes(call, value=twice)}

    assert len(found) == 4


def test_without_the_key_nothing_can_be_said():
    (found,) = at("password", codes())

    assert holds("horse", "call_1", found, [OTHER]) is None


def test_a_key_that_is_a_secret_itself_has_a_code_and_is_in_no_path():
    found = codes(value={TOKEN: Number("1")})

    assert [each.path for each in found] == ["[hidden]"]
    assert holds(TOKEN, "call_1", found[0], [KEY])


def test_a_call_with_very_many_hidden_values_keeps_the_codes_of_some():
    found = codes(value={"passwords": "x", "more": [TOKEN] * 500})

    assert len(found) == 100
