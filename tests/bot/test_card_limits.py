"""Whatever an agent supplies, a card keeps Slack's limits and shows nothing invisible."""

import json
import re

import pytest
from approvals_given import DIRECTORY, after, requested, vote_of
from hostile_approvals import CAME_BACK, SENT, approvals, lasting
from hypothesis import given, settings
from slack_limits import check_message, invisible, objects, visible_text

from bot.drawing.cards import card
from ledger.events.card_events import CardUndeliverable
from ledger.events.events import (
    ApprovalDenied,
    ApprovalTerm,
    SpokenRule,
)
from ledger.lives.approvals import ApprovalStatus
from policies.rules.decisions import Effect
from policies.values.calls import Risk


def buttons(approval) -> list[dict]:
    blocks = card(approval, DIRECTORY, revision=1).blocks
    return [each for each in objects(blocks) if each.get("type") == "button"]


@given(approval=approvals())
@settings(max_examples=150, deadline=None)
def test_every_card_keeps_slacks_limits_and_shows_nothinginvisible(approval) -> None:
    shown = card(approval, DIRECTORY, revision=10**15)

    check_message(shown.blocks)
    assert not [letter for letter in visible_text(shown.blocks) if invisible(letter)]
    assert not re.search(r"[<>]", shown.text)
    assert (approval.status is ApprovalStatus.PENDING) == bool(buttons(approval))
    assert shown.whole is (shown.hidden == 0)


@pytest.mark.parametrize("letter", ["&", "<", '"', "\\", "\U0001f600", "\u200b", "x"])
def test_the_worst_card_keeps_the_budget(letter) -> None:
    text = letter * 9_000
    rule = SpokenRule(rule=text, pointer=text, effect=Effect.REQUIRE_APPROVAL, because=text)
    names = {"agent", "agent_team", "owner", "on_behalf_of", "server", "tool", "evidence"}
    approval = after(
        requested(
            **dict.fromkeys(names, text),
            meta_keys=(text,) * 9,
            rules=(rule,) * 9,
            arguments=json.dumps({"a": text}, ensure_ascii=False),
            risk=Risk.DESTRUCTIVE,
            reason_required=True,
            hidden=10**6,
            terms=tuple(ApprovalTerm(team=f"{n}{text}", approvals=9) for n in range(9)),
        ),
        *[vote_of("bob", reason=text)] * 9,
        *[
            CardUndeliverable(approval="apr_7F3K", team=f"{n}{text}", channel="C0", error=text)
            for n in range(9)
        ],
    )
    given = lasting(text, text)
    ended = after(approval, given, SENT, CAME_BACK.model_copy(update={"error": text}))
    no = ApprovalDenied(
        approval="apr_7F3K",
        by="bob",
        reason=text,
        suggested=json.dumps({"b": text}, ensure_ascii=False),
    )

    check_message(card(approval, DIRECTORY, revision=10**15).blocks)
    check_message(card(ended, DIRECTORY, revision=10**15).blocks)
    check_message(card(after(approval, no), DIRECTORY, revision=10**15).blocks)
