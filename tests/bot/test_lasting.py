"""Approve for…: what is offered, what is said before it is granted, and what comes of it."""

import json
from datetime import timedelta

import acme
import pytest
from approvals_given import DIRECTORY, REQUEST, after, requested
from hypothesis import given, settings
from hypothesis import strategies as st
from office import BOB, EVE, PLATFORM, shown
from slack_limits import check_message, check_view, invisible, objects, visible_text

from bot.drawing.cards import APPROVE_FOR, card
from bot.drawing.lasting import (
    CONDITION,
    LASTING,
    SCOPE,
    USES,
    Plan,
    ask_modal,
    confirm_modal,
    offered,
    plan,
)
from bot.drawing.modals import Spot
from bot.slack.payloads import View
from ledger.events.card_events import VoteRefused
from ledger.events.events import ApprovalGiven, ApprovalTerm, GrantedWith
from ledger.lives.approvals import ApprovalStatus
from policies.rules.decisions import Effect

HOUR = timedelta(hours=1)
SPOT = Spot(approval="apr_7F3K", channel="C0PLATFORM", ts="1700000000.000100", revision=7)
GRANTABLE = requested(grantable=True)


def chosen(seconds: str, scope: str, when: str = "", uses: str = "") -> View:
    values = {
        USES: {USES: {"value": uses}},
        LASTING: {LASTING: {"selected_option": {"value": seconds}}},
        SCOPE: {SCOPE: {"selected_option": {"value": scope}}},
        CONDITION: {CONDITION: {"value": when}},
    }
    return View(id="V1", state={"values": values})


def actions(approval) -> list[str]:
    blocks = card(approval, DIRECTORY, revision=1).blocks
    return [each["action_id"] for each in objects(blocks) if each.get("type") == "button"]


def test_the_button_is_there_where_one_persons_grant_could_lift_such_calls() -> None:
    two = (ApprovalTerm(team="platform", approvals=2),)

    assert APPROVE_FOR in actions(GRANTABLE)
    assert APPROVE_FOR not in actions(requested())
    assert APPROVE_FOR not in actions(requested(grantable=True, terms=two))


@pytest.mark.parametrize(
    ("longest", "minutes"),
    [
        (timedelta(minutes=5), [5]),
        (HOUR, [15, 60]),
        (8 * HOUR, [15, 60, 240, 480]),
        (72 * HOUR, [15, 60, 240, 480, 1440, 4320]),
    ],
)
def test_nothing_longer_than_the_policy_allows_is_offered(longest, minutes) -> None:
    assert [lasting / timedelta(minutes=1) for lasting in offered(longest)] == minutes


@pytest.mark.parametrize(
    ("view", "field"),
    [
        (chosen("86400", "tool"), LASTING),
        (chosen("-1", "tool"), LASTING),
        (chosen("3600", "everything"), SCOPE),
        (chosen("3600", "tool", uses="0"), USES),
        (chosen("3600", "call", uses="many"), USES),
        (chosen("3600", "where", "args.force", uses="9" * 400), USES),
        (View(id="V1"), LASTING),
    ],
)
def test_what_was_not_offered_is_not_taken(view, field) -> None:
    assert list(plan(view, SPOT, 8 * HOUR)) == [field]


def test_a_condition_is_proposed_and_what_is_written_is_checked() -> None:
    view = ask_modal(GRANTABLE, SPOT, HOUR)
    field = next(each for each in objects(view) if each.get("action_id") == CONDITION)
    broken = chosen("3600", "where", "args.branch ==")

    assert field["initial_value"] == 'args.branch == "main" && args.force == true'
    assert list(plan(broken, SPOT, HOUR)) == [CONDITION]
    assert plan(chosen("3600", "where", "args.force"), SPOT, HOUR) == Plan(
        spot=SPOT, seconds=3600, scope="where", when="args.force"
    )


def test_a_condition_that_the_call_itself_does_not_meet_is_warned_of() -> None:
    planned = Plan(spot=SPOT, seconds=3600, scope="where", when='args.branch == "x"')

    view = confirm_modal(GRANTABLE, planned, met=False)

    told = visible_text(view["blocks"])
    assert "where the condition below holds" in told
    assert 'args.branch == "x"' in told
    assert "Careful: as far as you are shown it, this very call does not meet it." in told
    check_view(view)


@pytest.mark.parametrize(
    ("scope", "which"),
    [("call", "with exactly the arguments of this call"), ("tool", "with any arguments")],
)
def test_what_will_be_granted_is_said_in_words_first(scope, which) -> None:
    view = confirm_modal(GRANTABLE, Plan(spot=SPOT, seconds=3600, scope=scope))

    told = visible_text(view["blocks"])
    assert f"ci-bot may call github / push_files {which}, as often as it likes" in told
    assert "for 1 h from now on" in told
    check_view(view)


@pytest.mark.parametrize(
    ("uses", "often"), [("", "as often as it likes"), ("1", "once"), ("12", "12 times at most")]
)
def test_how_often_is_chosen_and_said_in_words_too(uses, often) -> None:
    planned = plan(chosen("3600", "tool", uses=uses), SPOT, HOUR)

    assert isinstance(planned, Plan)
    told = visible_text(confirm_modal(GRANTABLE, planned)["blocks"])
    assert f"with any arguments, {often}, without asking anybody" in told


def test_the_card_says_what_was_granted_with_the_yes() -> None:
    promise = GrantedWith(
        grant="grt_1", target="github/push_files", until=REQUEST.expires_at, exact=True, uses=3
    )
    given = ApprovalGiven(
        approval="apr_7F3K", by=("bob",), use_until=REQUEST.expires_at, granted=promise
    )

    blocks = card(after(GRANTABLE, given), DIRECTORY, revision=2).blocks

    assert (
        "With it, grt_1: the agent may call github/push_files with exactly these arguments"
        " 3 times at most without asking" in visible_text(blocks)
    )
    check_message(blocks)


@given(
    name=st.text(max_size=300) | st.text('\U0001f600\u200b<&"\\\n\u0000', max_size=3_000),
    scope=st.sampled_from(["call", "tool", "where"]),
    seconds=st.integers(1, 10**7),
    when=st.text('a\n"\\é{', max_size=1_000),
    uses=st.none() | st.integers(1, 10**9),
)
@settings(max_examples=50, deadline=None)
def test_the_modals_keep_slacks_limits_whatever_a_tool_is_called(
    name, scope, seconds, when, uses
) -> None:
    approval = requested(tool=name, agent=name, server=name, on_behalf_of=name, hidden=3)

    for view in (
        ask_modal(approval, SPOT, timedelta(seconds=seconds)),
        confirm_modal(
            approval, Plan(spot=SPOT, seconds=seconds, scope=scope, when=when, uses=uses)
        ),
    ):
        check_view(view)
        assert len(json.dumps(view)) < 250_000
        assert not [letter for letter in visible_text(view["blocks"]) if invisible(letter)]


async def test_a_yes_with_a_grant_lets_the_call_run_and_the_next_ones_too(office) -> None:
    approval = await office.ask()
    await choose(office, BOB, approval, {"scope": "tool", "lasting": "3600"})
    view = await office.local.wait_for_view(BOB, lambda v: "grant" in shown(v))
    await office.local.submit_view(BOB, view["id"], {"reason": "migration"})

    decided = await office.becomes(approval, ApprovalStatus.APPROVED)
    (grant,) = await office.ledger.grants(live=True)
    assert decided.granted.grant == grant.id
    assert (grant.target, grant.by, grant.reason) == ("files/write_file", "bob", "migration")
    await office.told(BOB, "Granted: files/write_file with any arguments until")
    await office.card(approval, f"With it, {grant.id}")
    await office.local.wait_for_message(
        PLATFORM, lambda m: "thread_ts" in m and f"With it, {grant.id}" in shown(m)
    )
    another = acme.ask("call_2", digests=("k1:" + "e" * 64,), instance=office.ledger.instance)
    (first, *_) = await office.ledger.execute(another)
    assert first.event.effect is Effect.ALLOW


async def test_a_grant_with_a_condition_lifts_only_what_meets_it(office) -> None:
    approval = await office.ask()
    await choose(
        office,
        BOB,
        approval,
        {"scope": "where", "lasting": "900", "condition": 'args.path == "/etc/motd"'},
    )
    view = await office.local.wait_for_view(BOB, lambda v: "grant" in shown(v))
    await office.local.submit_view(BOB, view["id"], {})

    await office.becomes(approval, ApprovalStatus.APPROVED)
    (grant,) = await office.ledger.grants(live=True)
    assert grant.when == 'args.path == "/etc/motd"'
    assert "Careful" not in shown(view)
    await office.card(approval, 'Its condition is args.path == "/etc/motd"')


async def test_a_grant_that_was_given_for_some_uses_lifts_no_more_calls(office) -> None:
    approval = await office.ask()
    await choose(office, BOB, approval, {"scope": "tool", "lasting": "900", "uses": "1"})
    view = await office.local.wait_for_view(BOB, lambda v: "grant" in shown(v))
    await office.local.submit_view(BOB, view["id"], {})

    await office.becomes(approval, ApprovalStatus.APPROVED)
    await office.told(BOB, "with any arguments, once, until")
    effects = []
    for n in (2, 3):
        digests = (f"k1:{n:0>64}",)
        ask = acme.ask(f"call_{n}", digests=digests, instance=office.ledger.instance)
        (first, *_) = await office.ledger.execute(ask)
        effects.append(first.event.effect)
    assert effects == [Effect.ALLOW, Effect.REQUIRE_APPROVAL]


async def test_nobody_without_rights_grants_and_the_refusal_is_recorded(office) -> None:
    approval = await office.ask()
    await choose(office, EVE, approval, {"scope": "call", "lasting": "3600"})
    view = await office.local.wait_for_view(EVE, lambda v: "grant" in shown(v))
    sent = await office.local.submit_view(EVE, view["id"], {})

    assert sent.errors == {"reason": "You are not an approver of `platform`; ask someone who is."}
    refused = [e for e in await office.events(approval) if isinstance(e, VoteRefused)]
    assert [event.because for event in refused] == ["not-an-approver"]
    assert await office.ledger.grants(live=True) == []


async def choose(office, who: str, approval: str, values: dict) -> None:
    """Press Approve for…, and choose."""
    await office.click(who, approval, "approve_for")
    view = await office.local.wait_for_view(who)
    await office.local.submit_view(who, view["id"], values)
