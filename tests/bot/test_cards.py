"""What the card says in each state, and that nothing on it can mislead."""

import json
from datetime import timedelta

import pytest
from approvals_given import DIRECTORY, NOON, after, recorded, requested, vote_of
from slack_limits import check_message, invisible, objects, visible_text

from bot.drawing.cards import APPROVE, DENY, DETAILS, card, revision_of
from bot.drawing.threads import thread_blocks
from ledger.events.card_events import CardUndeliverable
from ledger.events.events import (
    ApprovalCancelled,
    ApprovalDenied,
    ApprovalDispatched,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalLapsed,
    ApprovalTerm,
    ApprovalVoided,
    CallCompleted,
    OutcomeUnknown,
)
from policies.values.calls import Risk

GIVEN = ApprovalGiven(approval="apr_7F3K", by=("bob",), use_until=NOON + timedelta(minutes=15))
SENT = ApprovalDispatched(approval="apr_7F3K", call="call_1", instance="i1", policy_digest="cd")
CAME_BACK = CallCompleted(
    call="call_1", approval="apr_7F3K", outcome="ok", duration_ms=812, size=1204, content="a\nb"
)
LOST = OutcomeUnknown(call="call_1", approval="apr_7F3K", instance="i1")
HOSTILE = [
    "<!channel> <@U0ALICE> <https://evil.example|click>",
    "`code` *bold* _it_ ~gone~ ```fence``` :boom:",
    "&lt;!here&gt; &amp;",
    "\u202eevil\u202c\u2066x\u2069",
    "a\u200bb\u2060c\ufeffd\u00ade",
    "x\u3164\u2800\u034f\U000e0100\ufe0fy",
    "a\u2028b\u2029c\x00\x07\x1b[31mred",
    "      " * 20,
    "Z\u0330\u0331\u0332\u0333\u0334\u0335\u0336\u0337algo",
    "p\u0430yp\u0430l paypal",
    "\\u{200B} \\\\u{202E}",
]


def said(approval) -> str:
    return visible_text(card(approval, DIRECTORY, revision=1).blocks)


def buttons(approval) -> list[dict]:
    blocks = card(approval, DIRECTORY, revision=1).blocks
    return [each for each in objects(blocks) if each.get("type") == "button"]


def test_a_pending_card_says_who_wants_what_why_and_until_when() -> None:
    shown = said(requested())

    assert "Approval needed: github / push_files" in shown
    assert "ci-bot of team platform, owner alice" in shown
    assert "WRITE: the name begins with `push`" in shown
    assert "protected-branches (server github and tool push_* match)" in shown
    assert "1 approval from team platform (0 of 1 so far)" in shown
    assert '{\n  "branch": "main",\n  "force": true\n}' in shown
    assert "The whole call is shown: arguments of 39 characters." in shown


def test_the_buttons_of_a_card_carry_only_the_approvals_id() -> None:
    made = buttons(requested())

    assert [button["action_id"] for button in made] == [APPROVE, DENY, DETAILS]
    assert {button["value"] for button in made} == {"apr_7F3K"}


@pytest.mark.parametrize(
    ("risk", "asks"),
    [
        (Risk.READ, False),
        (Risk.WRITE, False),
        (Risk.EXECUTE, True),
        (Risk.DESTRUCTIVE, True),
        (Risk.FINANCIAL, True),
    ],
)
def test_approving_a_grave_call_asks_once_more(risk, asks) -> None:
    approve = buttons(requested(risk=risk))[0]

    assert ("confirm" in approve) is asks


@pytest.mark.parametrize(
    ("events", "heading", "line"),
    [
        ([vote_of("bob"), GIVEN], "Approved: github", "Waits for the agent's call, until"),
        (
            [
                vote_of("bob", approves=False),
                ApprovalDenied(approval="apr_7F3K", by="bob", reason="wrong branch"),
            ],
            "Denied: github",
            "wrong branch",
        ),
        ([ApprovalExpired(approval="apr_7F3K")], "Expired: github", "That is not a denial."),
        (
            [ApprovalCancelled(approval="apr_7F3K", because="agent was revoked")],
            "Cancelled: github",
            "agent was revoked",
        ),
        ([GIVEN, SENT], "Approved and running: github", "The call was let through"),
        (
            [GIVEN, SENT, CAME_BACK],
            "Completed: github",
            "The call ran and the tool answered after 812 ms, 1,204 bytes",
        ),
        (
            [GIVEN, SENT, CAME_BACK.model_copy(update={"outcome": "tool-error"})],
            "Completed with an error: github",
            "The call ran and the tool reported an error after 812 ms",
        ),
        (
            [GIVEN, SENT, CAME_BACK.model_copy(update={"outcome": "failed", "error": "reset"})],
            "Failed: github",
            "no answer that could be used after 812 ms, 1,204 bytes: reset",
        ),
        ([GIVEN, SENT, LOST], "Outcome unknown: github", "it may or may not have run"),
        (
            [GIVEN, ApprovalLapsed(approval="apr_7F3K")],
            "Approved, but not used in time",
            "nothing ran",
        ),
        (
            [GIVEN, ApprovalVoided(approval="apr_7F3K", because="the tool changed")],
            "Void: github",
            "the tool changed",
        ),
    ],
)
def test_a_card_that_is_not_pending_says_what_became_of_it_and_has_no_buttons(
    events, heading, line
) -> None:
    approval = after(requested(), *events)

    shown = said(approval)

    assert heading in shown
    assert line in shown
    assert '"branch": "main"' in shown
    assert buttons(approval) == []
    check_message(card(approval, DIRECTORY, revision=2).blocks)


def test_who_approved_is_shown_as_a_person_of_slack() -> None:
    shown = card(after(requested(), vote_of("bob"), GIVEN), DIRECTORY, revision=1)

    assert {"type": "user", "user_id": "U0BOB"} in list(objects(shown.blocks))


def test_a_vote_that_completes_nothing_is_counted_on_the_card() -> None:
    approval = after(
        requested(terms=(ApprovalTerm(team="platform", approvals=2),)),
        vote_of("bob", reason="looks right"),
    )

    assert "2 approvals from team platform (1 of 2 so far)" in said(approval)
    assert "looks right" in said(approval)


def test_a_result_is_shown_only_where_the_policy_shows_results() -> None:
    hidden = after(requested(), GIVEN, SENT, CAME_BACK)
    shown = after(requested(show_result=True), GIVEN, SENT, CAME_BACK)

    assert "a\nb" not in said(hidden)
    assert "a\nb" in said(shown)


@pytest.mark.parametrize("text", ["\u200b", "<", "\n\n\n\n", "\\u{200B}", "\U0001f468"])
def test_a_result_of_hostile_text_fits_under_the_card_and_is_made_inert_once(text) -> None:
    came_back = CAME_BACK.model_copy(update={"content": text * 4_000})
    approval = after(requested(show_result=True), GIVEN, SENT, came_back)

    blocks = thread_blocks(approval, [recorded(came_back, position=4)], "C0PLATFORM", DIRECTORY)

    check_message(blocks)
    check_message(card(approval, DIRECTORY, revision=1).blocks)
    assert not any(map(invisible, visible_text(blocks)))
    if text == "\u200b":
        assert "\\u{200B}\\u{200B}" in visible_text(blocks)


def test_a_team_whose_channel_took_no_card_is_named() -> None:
    approval = after(
        requested(),
        CardUndeliverable(
            approval="apr_7F3K", team="platform", channel="C0", error="channel_not_found"
        ),
    )

    assert "Not delivered  to team platform (Slack says channel_not_found)" in said(approval)


def test_unknown_meta_keys_and_hidden_values_are_named() -> None:
    shown = said(requested(meta_keys=("evil/key", "x\u200by"), hidden=2))

    assert "Unknown _meta keys  evil/key, x\\u{200B}y" in shown
    assert "2 values hidden, bound by keyed digest" in shown


def test_letters_that_could_mislead_are_pointed_out() -> None:
    shown = said(requested(tool="p\u0430y", arguments='{"a":"x\u200by"}'))

    assert "Careful  the call holds invisible or control characters" in shown
    assert "letters of several scripts in one word" in shown


def test_a_plain_call_is_not_warned_about() -> None:
    assert "Careful" not in said(requested())
    assert "May run twice" not in said(requested())


def test_a_call_whose_like_may_have_run_already_is_warned_about() -> None:
    shown = said(requested(repeats="call_0"))

    assert "May run twice  the identical call call_0 was sent" in shown
    assert "its outcome is unknown" in shown


def test_the_person_acted_for_is_named_and_shown() -> None:
    blocks = card(requested(on_behalf_of="cat"), DIRECTORY, revision=1).blocks

    assert "On behalf of  cat" in visible_text(blocks)
    assert {"type": "user", "user_id": "U0CAT"} in list(objects(blocks))


def test_a_card_that_cannot_show_everything_says_how_much_is_missing() -> None:
    arguments = json.dumps({"text": "x" * 100_000})

    shown = card(requested(arguments=arguments), DIRECTORY, revision=1)

    assert shown.whole is False
    assert shown.shown + shown.hidden == 100_038
    text = visible_text(shown.blocks)
    assert f"NOT THE WHOLE CALL: {shown.hidden:,} characters are not shown." in text
    assert text.count(f"{shown.hidden:,} characters not shown") == 1
    assert '{\n  "text": "xxx' in text
    assert 'xxx"\n}' in text
    check_message(shown.blocks)


def test_a_tool_name_too_long_for_the_card_leaves_the_call_not_whole() -> None:
    shown = card(requested(tool="t" * 5_000), DIRECTORY, revision=1)

    assert shown.whole is False
    assert shown.hidden > 4_600
    check_message(shown.blocks)


def test_what_is_whole_stays_whole_through_the_life_of_an_approval() -> None:
    arguments = json.dumps({"text": "x" * 5_900})
    pending = requested(arguments=arguments)
    busy = after(pending, *[vote_of("bob", reason="r" * 400)] * 9, GIVEN)

    assert card(pending, DIRECTORY, revision=1).whole is True
    assert card(busy, DIRECTORY, revision=9).whole is True


def test_the_revision_of_a_card_is_in_its_block_ids() -> None:
    shown = card(requested(), DIRECTORY, revision=42)

    assert {revision_of(block["block_id"]) for block in shown.blocks} == {42}


@pytest.mark.parametrize(
    "block_id", ["", "act", "act:x", "act:x:y", "act:x:-1", "act:x:" + "9" * 30]
)
def test_a_block_id_that_is_none_of_ours_has_no_revision(block_id) -> None:
    assert revision_of(block_id) is None


def test_the_hash_of_a_card_is_of_exactly_its_blocks() -> None:
    one = card(requested(), DIRECTORY, revision=1)
    other = card(requested(arguments='{"branch":"main2","force":true}'), DIRECTORY, revision=1)

    assert json.loads(one.json) == list(one.blocks)
    assert one.sha256 != other.sha256
    assert one == card(requested(), DIRECTORY, revision=1)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_inert_and_visible_wherever_it_comes_from(text) -> None:
    approval = after(
        requested(
            agent=text,
            tool=text,
            server=text,
            evidence=text,
            meta_keys=(text,),
            on_behalf_of=text,
            arguments=json.dumps({"text": text, text: 1}, ensure_ascii=False),
        ),
        vote_of("bob", reason=text),
    )

    shown = card(approval, DIRECTORY, revision=1)

    check_message(shown.blocks)
    everything = visible_text(shown.blocks) + shown.text
    assert not [letter for letter in everything if invisible(letter)]
    assert "<" not in shown.text
    assert ">" not in shown.text


def test_mentions_in_arguments_are_shown_letter_by_letter() -> None:
    shown = said(requested(arguments=json.dumps({"text": "<!channel> `x` <@U0BOB>"})))

    assert '"text": "<!channel> `x` <@U0BOB>"' in shown
