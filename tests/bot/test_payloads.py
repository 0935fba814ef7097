"""Payloads of any shape are read or turned away, never an error of ours."""

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.slack.endpoint import payload_of
from bot.slack.payloads import Action, Typed, View

FORM = "application/x-www-form-urlencoded"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)
MEMBERS = ["user", "team", "actions", "container", "view", "channel", "message", "enterprise"]
PAYLOADS = st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=6)


@given(kind=st.sampled_from(["block_actions", "view_submission", "view_closed"]), members=PAYLOADS)
@settings(max_examples=60, deadline=None)
def test_whatever_shape_a_payload_has_it_is_read_or_turned_away(kind, members) -> None:
    text = urlencode({"payload": json.dumps({"type": kind, **members})})

    payload = payload_of(text, FORM)

    assert payload is None or isinstance(payload["user"], dict)


@pytest.mark.parametrize(("kind", "read"), [({}, False), ({"type": "modal"}, True)])
def test_a_submitted_modal_that_does_not_say_its_type_is_turned_away(kind, read) -> None:
    submission = {"type": "view_submission", "user": {"id": "U0BOB"}, "view": {"id": "V1", **kind}}

    payload = payload_of(urlencode({"payload": json.dumps(submission)}), FORM)

    assert (payload is not None) is read


@pytest.mark.parametrize(
    ("event", "read"), [(5, False), ({"type": 5}, False), ({}, False), ({"type": "message"}, True)]
)
def test_an_event_that_does_not_say_its_type_is_turned_away(event, read) -> None:
    text = json.dumps({"type": "event_callback", "event": event})

    assert (payload_of(text, "application/json") is not None) is read


def test_half_a_character_in_a_reason_is_made_whole() -> None:
    view = View(id="V1", state={"values": {"reason": {"reason": {"value": " no \ud800 "}}}})

    assert view.typed("reason", "reason") == "no ?"


def test_what_no_database_takes_is_replaced_in_a_command_and_a_button() -> None:
    typed = Typed(team_id="T0ACME", user_id="U0BOB", text="show \ud800\0")
    action = Action(action_id="approval.approve", value="apr_\0")

    assert (typed.text, action.value) == ("show ??", "apr_?")


@pytest.mark.parametrize("state", [{}, {"values": []}, {"values": {"reason": 5}}])
def test_a_field_that_is_not_there_was_left_empty(state) -> None:
    assert View(id="V1", state=state).typed("reason", "reason") == ""
