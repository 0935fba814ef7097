"""Clicks of real people on real cards: who decides, who is refused, what each is told."""

import asyncio

import acme
import pytest
from office import (
    ALICE,
    BOB,
    CAT,
    DAN,
    EVE,
    GUEST,
    MEMBER,
    OUT,
    PLATFORM,
    ROBOT,
    SECURITY,
    STRANGER,
    shown,
    until,
)

from bot.desk import voting
from bot.workspace.faults import AnswerError, AnswerStatus, Delay, Hang
from ledger.events.card_events import (
    CardPosted,
    VoteCast,
    VoteRefused,
)
from ledger.lives.approvals import ApprovalStatus
from ledger.unavailable import LedgerUnavailable
from policies.rules.decisions import Term
from policies.values.calls import Risk

TWO = acme.assessed(terms=(Term("platform", 2),))
BOTH_TEAMS = acme.assessed(terms=(Term("platform", 1), Term("security", 1)))
WITH_REASON = acme.assessed(reason_required=True)


async def test_one_click_of_an_approver_approves_and_the_card_says_who(office) -> None:
    approval = await office.ask()

    pressed = await office.click(BOB, approval, "approve")

    assert pressed.acknowledged
    await office.told(BOB, "Approved. The call may run once.")
    decided = await office.becomes(approval, ApprovalStatus.APPROVED)
    assert decided.by == ("bob",)
    card = await office.card(approval, "Approved: files / write_file")
    assert {"type": "user", "user_id": BOB} in card["blocks"][-1]["elements"][0]["elements"]
    assert not [block for block in card["blocks"] if block["type"] == "actions"]


async def test_a_vote_that_is_recorded_is_never_said_not_to_count(office, monkeypatch) -> None:
    async def away(*_asked):
        raise LedgerUnavailable("the ledger is away")

    monkeypatch.setattr(voting, "frozen_line", away)
    approval = await office.ask(assessment=TWO)

    await office.click(BOB, approval, "approve")

    await office.told(BOB, "Your approval is recorded. The card shows what it came to.")


async def test_what_the_voter_saw_is_kept_and_the_vote_names_its_revision(office) -> None:
    approval = await office.ask()

    await office.click(BOB, approval, "approve")
    await office.becomes(approval, ApprovalStatus.APPROVED)

    events = await office.events(approval)
    posted = next(event for event in events if isinstance(event, CardPosted))
    vote = next(event for event in events if isinstance(event, VoteCast))
    assert vote.revision == posted.revision
    assert (vote.channel, vote.ts) == (posted.channel, posted.ts)
    assert '"/etc/motd' in posted.blocks.replace("\\", "")
    assert vote.evidence.slack == "T0ACME/U0BOB"


async def test_a_denial_needs_a_reason_and_the_card_tells_it(office) -> None:
    approval = await office.ask()

    await office.click(BOB, approval, "deny")
    view = await office.local.wait_for_view(BOB)
    empty = await office.local.submit_view(BOB, view["id"], {"reason": "   "})
    sent = await office.local.submit_view(BOB, view["id"], {"reason": "not on a Friday"})

    assert empty.errors == {"reason": "Choose a reason or write a note, please."}
    assert sent.acknowledged
    denied = await office.becomes(approval, ApprovalStatus.DENIED)
    assert denied.reason == "not on a Friday"
    await office.card(approval, "not on a Friday")
    await office.told(BOB, "Denied. The agent is told")


async def test_a_no_can_suggest_other_arguments_which_card_and_thread_show(office) -> None:
    approval = await office.ask()

    await office.click(BOB, approval, "deny")
    view = await office.local.wait_for_view(BOB)
    values = {"preset": "Wrong environment", "arguments": '{"path": "/etc/motd"'}
    broken = await office.local.submit_view(BOB, view["id"], values)
    values["arguments"] = '{"content": "hello", "path": "/tmp/motd"}'
    await office.local.submit_view(BOB, view["id"], values)

    assert list(broken.errors) == ["arguments"]
    denied = await office.becomes(approval, ApprovalStatus.DENIED)
    assert denied.reason == "Wrong environment"
    assert denied.suggested == '{"content":"hello","path":"/tmp/motd"}'
    card = await office.card(approval, "Denied: files")
    assert '+  "path": "/tmp/motd"' in shown(card)
    await office.local.wait_for_message(
        PLATFORM, lambda m: "thread_ts" in m and '+  "path": "/tmp/motd"' in shown(m)
    )


@pytest.mark.parametrize(
    ("who", "because", "message"),
    [
        (ALICE, "own-request", "You own this agent, or it acts for you"),
        (OUT, "not-an-approver", "You are not an approver of `platform`"),
        (EVE, "not-an-approver", "You are not an approver of `platform`"),
        (GUEST, "guest", "Guests of the workspace cannot decide"),
        (STRANGER, "stranger", "People of another workspace cannot decide here"),
        (ROBOT, "bot", "Bots and apps cannot decide"),
    ],
)
async def test_whoever_may_not_decide_is_told_why_and_it_is_recorded(
    office, who, because, message
) -> None:
    approval = await office.ask()

    await office.click(who, approval, "approve")

    await office.told(who, f"Not counted. {message}")
    assert (await office.approval(approval)).status is ApprovalStatus.PENDING
    refused = [e for e in await office.events(approval) if isinstance(e, VoteRefused)]
    assert [event.because for event in refused] == [because]


async def test_an_approver_who_is_deactivated_while_clicking_is_refused(office) -> None:
    approval = await office.ask()
    await office.card(approval)
    await office.local.fail_next("users.info", Delay(0.5))

    click = asyncio.create_task(office.click(BOB, approval, "approve"))
    await until(lambda: "vote-received" in office.points)
    await office.local.change_user(BOB, deleted=True)
    await click

    refused = await _refusal(office, approval)
    assert refused.because == "deactivated"
    assert (await office.approval(approval)).status is ApprovalStatus.PENDING


async def test_a_member_of_the_teams_user_group_decides(office) -> None:
    approval = await office.ask()

    await office.click(MEMBER, approval, "approve")

    decided = await office.becomes(approval, ApprovalStatus.APPROVED)
    assert decided.by == ("T0ACME/U0MEMBER",)


async def test_for_grave_risk_the_user_group_is_read_anew(office) -> None:
    mild = await office.ask("call_1")
    await office.click(MEMBER, mild, "approve")
    await office.becomes(mild, ApprovalStatus.APPROVED)
    grave = await office.ask("call_2", acme.assessed(risk=Risk.DESTRUCTIVE))
    await office.local.set_usergroup("S0PLATFORM", [])

    await office.click(MEMBER, grave, "approve")

    await office.told(MEMBER, "You are not an approver of `platform`")


async def test_a_double_click_is_one_vote(office) -> None:
    approval = await office.ask(assessment=TWO)

    await office.click(BOB, approval, "approve")
    await office.told(BOB, "It waits for 1 more from team platform.")
    await office.click(BOB, approval, "approve")

    await office.told(BOB, "Not counted. You have already approved this")
    assert len((await office.approval(approval)).votes) == 1


async def test_an_envelope_that_slack_delivers_twice_is_one_vote(office) -> None:
    approval = await office.ask(assessment=TWO)
    await office.local.duplicate_next(copies=2)

    await office.click(BOB, approval, "approve")

    await office.told(BOB, "It waits for 1 more")
    assert (await office.topics(approval)).count("VoteCast") == 1
    assert (await office.topics(approval)).count("VoteRefused") == 0


async def test_two_approvers_in_the_same_instant_make_one_decision_and_both_are_told(
    office,
) -> None:
    approval = await office.ask()
    card = await office.card(approval)

    await asyncio.gather(
        office.local.click(BOB, PLATFORM, card["ts"], "approval.approve"),
        office.local.click(CAT, PLATFORM, card["ts"], "approval.approve"),
    )

    decided = await office.becomes(approval, ApprovalStatus.APPROVED)
    winner, loser = (BOB, CAT) if decided.by == ("bob",) else (CAT, BOB)
    await office.told(winner, "Approved. The call may run once.")
    await office.told(loser, f"Not counted. Already approved by `{decided.by[0]}`.")
    assert (await office.topics(approval)).count("ApprovalGiven") == 1


async def test_the_last_two_needed_votes_in_the_same_instant_approve(office) -> None:
    approval = await office.ask(assessment=TWO)
    card = await office.card(approval)

    await asyncio.gather(
        office.local.click(BOB, PLATFORM, card["ts"], "approval.approve"),
        office.local.click(CAT, PLATFORM, card["ts"], "approval.approve"),
    )

    decided = await office.becomes(approval, ApprovalStatus.APPROVED)
    assert sorted(decided.by) == ["bob", "cat"]


async def test_each_named_team_has_its_card_and_its_say(office) -> None:
    approval = await office.ask(assessment=BOTH_TEAMS)

    await office.click(BOB, approval, "approve")
    await office.told(BOB, "It waits for 1 more from team security.")
    await office.click(EVE, approval, "approve", channel=SECURITY)

    await office.becomes(approval, ApprovalStatus.APPROVED)
    await office.card(approval, "Approved: files")
    await office.card(approval, "Approved: files", channel=SECURITY)


async def test_all_are_told_where_a_member_who_voted_has_left_the_group(office) -> None:
    approval = await office.ask(assessment=TWO)
    card = await office.card(approval)
    await office.click(MEMBER, approval, "approve")
    await office.told(MEMBER, "It waits for 1 more")
    await office.local.set_usergroup("S0PLATFORM", [])

    await office.click(BOB, approval, "approve")

    await office.told(BOB, "recorded. But an earlier yes counts no more")
    await office.card(approval, "Careful  an earlier yes counts no more")
    await office.local.wait_for_message(
        PLATFORM,
        lambda m: m.get("thread_ts") == card["ts"] and "one more approval is needed" in shown(m),
    )
    await office.click(CAT, approval, "approve")
    decided = await office.becomes(approval, ApprovalStatus.APPROVED)
    assert decided.by == ("bob", "cat")


async def test_an_earlier_voter_who_has_left_does_not_count_any_more(office) -> None:
    approval = await office.ask(assessment=TWO)
    await office.click(BOB, approval, "approve")
    await office.told(BOB, "It waits for 1 more")
    await office.local.change_user(BOB, deleted=True)

    await office.click(CAT, approval, "approve")
    await office.told(CAT, "Your approval is recorded.")
    await office.click(DAN, approval, "approve")

    decided = await office.becomes(approval, ApprovalStatus.APPROVED)
    assert sorted(decided.by) == ["cat", "dan"]


async def test_a_rule_that_wants_reasons_gets_them_in_a_modal(office) -> None:
    approval = await office.ask(assessment=WITH_REASON)

    await office.click(BOB, approval, "approve")
    view = await office.local.wait_for_view(BOB)
    await office.local.submit_view(BOB, view["id"], {"reason": "INC-4312"})

    decided = await office.becomes(approval, ApprovalStatus.APPROVED)
    assert [vote.reason for vote in decided.votes] == ["INC-4312"]


async def test_who_may_not_decide_is_told_in_the_modal_too(office) -> None:
    approval = await office.ask()

    await office.click(EVE, approval, "deny")
    view = await office.local.wait_for_view(EVE)
    sent = await office.local.submit_view(EVE, view["id"], {"reason": "no"})

    assert sent.errors == {"reason": "You are not an approver of `platform`; ask someone who is."}
    assert (await office.approval(approval)).status is ApprovalStatus.PENDING


@pytest.mark.parametrize("fault", [AnswerStatus(503), AnswerError("fatal_error"), Hang()])
async def test_a_person_slack_cannot_confirm_is_refused_and_may_press_again(
    office, fault, monkeypatch
) -> None:
    approval = await office.ask()
    await office.card(approval)
    await office.local.fail_next("users.info", fault, times=2)

    with monkeypatch.context() as patch:
        if fault == Hang():
            patch.setattr("bot.slack.witness.SECONDS", 0.5)
        pressed = await office.click(BOB, approval, "approve")
    await office.told(BOB, "Slack could not confirm that you may decide")
    await office.local.clear_faults()
    await office.click(BOB, approval, "approve")

    assert pressed.acknowledged
    await office.becomes(approval, ApprovalStatus.APPROVED)


async def test_a_user_group_that_cannot_be_read_refuses_those_it_would_admit(office) -> None:
    approval = await office.ask()
    await office.local.fail_next(
        "usergroups.users.list", AnswerError("plan_upgrade_required"), times=9
    )

    await office.click(MEMBER, approval, "approve")

    told = await office.told(MEMBER, "Slack could not confirm that you may decide")
    assert "plan_upgrade_required" in shown(told)


async def _refusal(office, approval) -> VoteRefused:
    return next(e for e in await office.events(approval) if isinstance(e, VoteRefused))
