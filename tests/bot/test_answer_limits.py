"""Answers, threads and dialogs keep Slack's limits, whatever agents and people wrote."""

import asyncio
import json
from datetime import timedelta

import pytest
from approvals_given import DIRECTORY, NOON, after, recorded, vote_of
from hostile_approvals import TEXT, approvals, histories
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_limits import breaches, check_message, check_view, invisible, visible_text

from bot.drawing import answers
from bot.drawing.builder import result_modal
from bot.drawing.cards import card
from bot.drawing.drawing import drawn
from bot.drawing.feedback import ephemeral
from bot.drawing.frozen_cards import with_line
from bot.drawing.home_look import look_modal
from bot.drawing.modals import Spot
from bot.drawing.notices import checkpoint_message
from bot.drawing.threads import about_block, thread_blocks, thread_text
from bot.typed.command_forms import FORMS
from ledger.events.patience_events import ApprovalEscalated, ApprovalExtended, ApprovalReminded
from ledger.events.standing_events import GrantIssued
from ledger.lives.approvals import ApprovalStatus
from ledger.lives.delegations import Delegation
from ledger.lives.grants import Grant, GrantStatus

LATER = NOON + timedelta(hours=1)
WORKSPACE = "https://acme.slack.com/"


def check_answer(answer) -> None:
    check_message(list(answer.blocks))
    assert len(answer.text) <= 3_000
    assert "<!" not in answer.text
    shown = visible_text(answer.blocks)
    assert not [letter for letter in shown if invisible(letter)]


def grant(number: int, text: str) -> Grant:
    return Grant(
        id=f"grt_{number}{text}",
        version=1,
        position=1,
        status=GrantStatus.LIVE,
        agent=text,
        target=text,
        until=LATER,
        uses=number or None,
        issued_at=NOON,
        by=text,
        teams=("platform",),
        reason=text,
        when=text,
        given_with=text,
        digest="k1:" + "ab" * 32 if number % 2 else None,
    )


@pytest.mark.parametrize("about", [None, *FORMS])
def test_every_help_is_one_that_slack_takes(about) -> None:
    check_answer(answers.helping(about))


@settings(max_examples=25, deadline=None)
@given(text=TEXT, number=st.sampled_from([0, 1, 30]))
def test_answers_of_one_line_and_lists_of_grants_keep_slacks_limits(text, number) -> None:
    grants = [grant(n, text) for n in range(number)]
    issued = GrantIssued(
        grant=text,
        agent=text,
        target=text,
        until=LATER,
        uses=number,
        reason=text,
        by=text,
        teams=("platform",),
        evidence=None,
        when=text,
    )

    check_answer(answers.plainly(text))
    check_answer(answers.revoked(text))
    check_answer(answers.listing(grants))
    check_answer(answers.granted(issued, timedelta(hours=1)))
    check_view(result_modal(answers.plainly(text)))
    check_message(ephemeral(text)[1])


def test_a_list_of_many_grants_shows_what_fits_and_counts_the_rest() -> None:
    answer = answers.listing([grant(n, "x" * 60) for n in range(30)])

    check_answer(answer)
    shown = visible_text(answer.blocks)
    listed = shown.count("given by")
    assert listed > 5
    assert f"and {30 - listed} more" in shown


def test_a_checkpoint_is_shown_whole() -> None:
    note = "placet\n9999999999\n" + "A" * 44 + "\n\n" + ("\u2014 placet " + "b" * 96 + "\n") * 5

    _, blocks = checkpoint_message(note)

    check_message(blocks)
    assert note in visible_text(blocks)


@settings(max_examples=20, deadline=None)
@given(approval=approvals(), line=TEXT, number=st.sampled_from([1, 30]))
def test_an_approval_in_an_answer_and_in_a_dialog_keeps_slacks_limits(
    approval, line, number
) -> None:
    made = card(approval, DIRECTORY, revision=10**15)
    spot = Spot(approval=approval.id, channel="C0PLATFORM", ts="1.1", revision=10**15)

    shown = answers.showing(approval, made, NOON)

    assert breaches(shown.blocks) == []
    assert breaches(with_line(made, line, "apr_7F3K:1").blocks) == []
    check_answer(answers.waiting([approval] * number, WORKSPACE))
    check_view(asyncio.run(look_modal(approval, spot, DIRECTORY)))
    assert asyncio.run(drawn(approval, DIRECTORY, 10**15)).json == made.json


@settings(max_examples=20, deadline=None)
@given(events=histories(), text=TEXT, number=st.sampled_from([0, 1, 30]))
def test_a_line_in_a_thread_keeps_slacks_limits(events, text, number) -> None:
    approval = after(None, *events)
    reminded = ApprovalReminded(approval=approval.id, team="platform", number=1)
    patience = [
        reminded,
        ApprovalEscalated(approval=approval.id, team="platform", to=text),
        ApprovalExtended(
            approval=approval.id,
            by=text,
            until=LATER,
            reminders=(),
            evidence=vote_of("bob").evidence,
        ),
    ]
    news = [recorded(event, position=9) for event in (*events, *patience)]
    held = [
        Delegation(
            id=f"dlg_{n}",
            version=1,
            position=1,
            giver=f"{n}{text}",
            giver_slack=text,
            delegate=text,
            delegate_slack=text,
            teams=("platform",),
            reason=text,
            given_at=NOON,
            until=LATER,
        )
        for n in range(number)
    ]

    blocks = thread_blocks(approval, news, "C0PLATFORM", DIRECTORY, held)

    check_message(blocks)
    check_message([about_block(approval), *blocks])
    assert "<!" not in thread_text(approval)
    assert not [letter for letter in visible_text(blocks) if invisible(letter)]
    asks = any("Give it" in json.dumps(block) for block in blocks)
    assert asks is (approval.status is ApprovalStatus.PENDING)
