"""The modal of a no: presets, a note, other arguments, and what of them is taken."""

import json

import pytest
from approvals_given import DIRECTORY, REQUEST, after, requested
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_limits import check_message, check_view, invisible, objects, visible_text

from bot.drawing.cards import card
from bot.drawing.denials import ARGUMENTS, PRESET, Denial, denial, deny_modal
from bot.drawing.modals import REASON, Spot
from bot.slack.payloads import View
from ledger.events.events import ApprovalDenied

SPOT = Spot(approval="apr_7F3K", channel="C0PLATFORM", ts="1700000000.000100", revision=7)


def sent(note: str = "", preset: str | None = None, arguments: str = "") -> View:
    values = {
        REASON: {REASON: {"type": "plain_text_input", "value": note or None}},
        PRESET: {
            PRESET: {"type": "static_select", "selected_option": preset and {"value": preset}}
        },
        ARGUMENTS: {ARGUMENTS: {"type": "plain_text_input", "value": arguments or None}},
    }
    return View(id="V1", state={"values": values})


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        (sent(note=" use staging "), "use staging"),
        (sent(preset="Wrong environment"), "Wrong environment"),
        (sent("use staging", "Wrong environment"), "Wrong environment: use staging"),
    ],
)
def test_a_preset_a_note_or_both_are_the_reason(view, reason) -> None:
    assert denial(view, REQUEST) == Denial(reason)


def test_a_no_without_any_reason_is_not_taken() -> None:
    assert denial(sent(), REQUEST) == {REASON: "Choose a reason or write a note, please."}


def test_all_that_is_wrong_with_a_no_is_said_at_once() -> None:
    wrong = denial(sent(arguments="[]"), REQUEST)

    assert isinstance(wrong, dict)
    assert list(wrong) == [REASON, ARGUMENTS]


def test_other_arguments_are_taken_as_canonical_json() -> None:
    view = sent("no", arguments='{ "force": false,\n "branch": "main" }')

    assert denial(view, REQUEST) == Denial("no", '{"branch":"main","force":false}')


def test_what_was_asked_anyway_is_no_suggestion() -> None:
    view = sent("no", arguments='{"force": true, "branch": "main"}')

    assert denial(view, REQUEST) == Denial("no")


@pytest.mark.parametrize("written", ["{", "[]", '{"a": 1, "A": 2}', '{"a": NaN}'])
def test_what_is_no_strict_json_object_is_told_under_its_field(written) -> None:
    wrong = denial(sent("no", arguments=written), REQUEST)

    assert isinstance(wrong, dict)
    assert list(wrong) == [ARGUMENTS]


def test_the_field_for_arguments_is_left_out_and_said_where_they_do_not_fit() -> None:
    view = deny_modal(requested(arguments=json.dumps({"a": "x" * 4_000})), SPOT)

    assert ARGUMENTS not in [block["block_id"] for block in view["blocks"]]
    assert "too long to suggest others" in visible_text(view["blocks"])
    check_view(view)


def test_the_card_of_a_denial_shows_what_was_suggested_as_a_difference() -> None:
    denied = ApprovalDenied(
        approval="apr_7F3K", by="bob", reason="no", suggested='{"branch":"main","force":false}'
    )

    shown = card(after(requested(), denied), DIRECTORY, revision=9)

    assert '   "branch": "main",\n-  "force": true\n+  "force": false' in visible_text(shown.blocks)
    check_message(shown.blocks)


@given(
    text=st.text(max_size=300) | st.text('\U0001f600\u200b<&"\\\n\u0000', max_size=3_500),
    presets=st.lists(st.text(min_size=1, max_size=100), max_size=10),
)
@settings(max_examples=60, deadline=None)
def test_the_modal_keeps_slacks_limits_and_what_it_offers_can_be_sent_back(text, presets) -> None:
    arguments = json.dumps({"a": text}, ensure_ascii=False)
    view = deny_modal(requested(arguments=arguments), SPOT, presets)

    check_view(view)
    offered = [each["initial_value"] for each in objects(view["blocks"]) if "initial_value" in each]
    for written in offered:
        assert not [letter for letter in written if invisible(letter)]
        assert denial(sent("no", arguments=written), requested(arguments=arguments).request) == (
            Denial("no")
        )
