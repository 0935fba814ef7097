"""Delegating from Slack: the command, the channels that are told, a click in another's stead."""

from datetime import timedelta

import acme
import pytest
from office import ALICE, BOB, CAT, EVE, GUEST, OUT, PLATFORM, SECURITY, shown, until_async

from ledger.events.card_events import VoteCast, VoteRefused
from ledger.events.refusals import CommandRefused
from ledger.lives.approvals import ApprovalStatus
from ledger.views.delegation_readings import delegations_in_force
from ledger.watching.deadlines import Deadlines
from policies.rules.decisions import Term

TWO = acme.assessed(terms=(Term("platform", 2),))


async def typed(office, user, text) -> str:
    answer = await office.local.command(user, PLATFORM, "/placet", text)
    assert answer.error is None
    return shown({"blocks": answer.blocks})


async def told_in(office, channel, text):
    return await office.local.wait_for_message(channel, lambda message: text in shown(message))


async def refusals(office) -> list[tuple[str, str]]:
    events = [one.event for one in await office.ledger.events()]
    return [(e.asked, e.message) for e in events if isinstance(e, CommandRefused)]


async def test_a_delegate_approves_for_the_giver_and_the_card_says_for_whom(office) -> None:
    answer = await typed(office, BOB, "delegate @eve for 2d because I am away")
    assert "for team platform, until" in answer
    message = await told_in(office, PLATFORM, "Votes delegated")
    assert "Reason: I am away" in shown(message)
    assert "U0EVE" in str(message["blocks"])
    approval = await office.ask(assessment=TWO)
    await office.told_card(approval)
    assert approval in await typed(office, EVE, "pending")

    await office.click(EVE, approval, "approve")
    await office.told(EVE, "Your approval for bob is recorded.")
    await office.click(BOB, approval, "approve")
    await office.told(BOB, "`eve` has approved this in your stead")
    await office.click(CAT, approval, "approve")

    after = await office.becomes(approval, ApprovalStatus.APPROVED)
    assert after.by == ("eve", "cat")
    cast = [event for event in await office.events(approval) if isinstance(event, VoteCast)]
    assert [(event.person, event.giver) for event in cast] == [("eve", "bob"), ("cat", None)]
    card = await office.card(approval, "Approved once by")
    vote = [row for row in str(card["blocks"]).split("Vote") if "U0EVE" in row]
    assert any("' for '" in row and "U0BOB" in row for row in vote)
    await told_in(office, PLATFORM, "eve for bob approved")


async def test_a_group_that_the_giver_has_left_lets_the_delegate_decide_nothing(office) -> None:
    member = "U0MEMBER"
    assert "for team platform" in await typed(office, member, "delegate <@U0EVE|eve> for 2d")
    approval = await office.ask()
    await office.told_card(approval)
    await office.local.set_usergroup("S0PLATFORM", [])

    office.clock.ahead += timedelta(minutes=11)  # what was read of the group is too old now
    await office.click(EVE, approval, "approve")

    await office.told(EVE, "Neither you nor")
    refused = [e for e in await office.events(approval) if isinstance(e, VoteRefused)]
    assert [event.because for event in refused] == ["not-an-approver"]


async def test_what_is_taken_back_counts_no_more_and_the_channel_is_told(office) -> None:
    await typed(office, CAT, "delegate eve for 30d in platform,security")
    listed = await typed(office, ALICE, "delegations")
    assert "for team platform, security, until" in listed

    assert "you vote for yourself again" in await typed(office, CAT, "undelegate")

    after = await told_in(office, SECURITY, "Votes no longer delegated")
    assert "Taken back by cat" in shown(after)
    assert await typed(office, ALICE, "delegations") == "Everybody votes for themselves."
    approval = await office.ask()
    await office.told_card(approval)
    await office.click(EVE, approval, "approve")
    await office.told(EVE, "You are not an approver of")


async def test_a_delegation_ends_by_itself(office) -> None:
    await typed(office, BOB, "delegate eve for 1h")
    await told_in(office, PLATFORM, "Votes delegated")

    office.clock.ahead += timedelta(hours=1)
    await Deadlines(office.ledger).sweep()

    after = await told_in(office, PLATFORM, "Votes no longer delegated")
    assert "Its time was over" in shown(after)
    assert await delegations_in_force(office.ledger) == []


@pytest.mark.parametrize(
    ("user", "text", "message"),
    [
        (OUT, "delegate eve for 2d", "you are not an approver of"),
        (BOB, f"delegate <@{GUEST}> for 2d", "cannot vote for you: guests of the workspace"),
        (BOB, "delegate <@U0STRANGER> for 2d", "cannot vote for you: people of another workspace"),
        (BOB, "delegate <@U0ROBOT> for 2d", "cannot vote for you: bots and apps cannot decide"),
        (BOB, "delegate <@U0NOBODY> for 2d", "Slack could not confirm who"),
        (BOB, "delegate @nobody for 2d", "`nobody` is nobody of Placet's configuration"),
        (BOB, "delegate @bob for 2d", "you vote for yourself already"),
        (BOB, "delegate @eve for 31d", "a delegation lasts at most 30 days"),
        (BOB, "delegate @eve for 2d in security", "you are not an approver of `security` yourself"),
        (EVE, "undelegate", "nobody votes for you"),
    ],
)
async def test_whoever_may_not_delegate_is_told_why_and_it_is_recorded(
    office, user, text, message
) -> None:
    answer = await typed(office, user, text)

    assert "Refused: " in answer
    ((asked, told),) = await refusals(office)
    assert asked == f"/placet {text.split()[0]}"
    assert message.replace("`nobody`", "`@nobody`") in told
    assert await delegations_in_force(office.ledger) == []


async def test_a_delegate_may_vote_and_nothing_else(office) -> None:
    await typed(office, BOB, f"delegate <@{OUT}> for 2d")

    for text in (
        "grant ci-bot files/write_file for 1h",
        "freeze agent ci-bot",
        "delegate eve for 1d",
    ):
        assert "Refused: you are not an approver" in await typed(office, OUT, text)
    approval = await office.ask()
    await office.told_card(approval)
    assert "You are not an approver" in await typed(office, OUT, f"extend {approval}")
    await office.click(OUT, approval, "approve")
    assert (await office.becomes(approval, ApprovalStatus.APPROVED)).votes[0].giver == "bob"


async def test_the_home_tabs_of_both_say_who_votes_for_whom(office) -> None:
    await typed(office, BOB, "delegate eve for 2d")

    for user in (BOB, EVE):
        await office.local.open_home(user)

        async def said(user: str = user) -> bool:
            view = await office.local.home(user)
            return view is not None and " votes for " in shown(view)

        await until_async(said)
