"""What happens round a card that waits: reminders, another team's copy, more time, taking back."""

from dataclasses import replace
from datetime import timedelta

import acme
import pytest
from office import ALICE, BOB, CAT, EVE, PLATFORM, SECURITY, open_office, shown
from slack_limits import check_message

from ledger.lives.approvals import ApprovalStatus
from ledger.lives.steps import TakeStep
from policies.rules.decisions import Term

HALF = timedelta(minutes=15)


@pytest.fixture
async def office(sqlite_url):
    platform = replace(acme.DIRECTORY.teams["platform"], escalate_to="security")
    teams = {**acme.DIRECTORY.teams, "platform": platform}
    async with open_office(sqlite_url, directory=replace(acme.DIRECTORY, teams=teams)) as office:
        await office.listening()
        yield office


async def half_time(office, approval: str) -> None:
    office.clock.ahead += HALF
    await office.ledger.execute(
        TakeStep(id=f"step:{approval}", actor="placet:deadlines", approval=approval)
    )


async def in_thread(office, card, text: str, channel: str = PLATFORM):
    return await office.local.wait_for_message(
        channel, lambda m: m.get("thread_ts") == card["ts"] and text in shown(m)
    )


async def test_a_reminder_calls_those_who_can_still_decide_in_the_cards_thread(office) -> None:
    approval = await office.ask()
    card = await office.card(approval)

    await half_time(office, approval)

    reminder = await in_thread(office, card, "Reminder: team platform has not decided")
    called = [e.get("user_id") for b in reminder["blocks"] for e in elements(b)]
    assert [user for user in called if user] == [BOB, CAT, "U0DAN"]
    assert "S0PLATFORM" in str(reminder["blocks"])
    assert "Reminder: team platform has not decided. It expires" in reminder["text"]
    check_message(reminder["blocks"])
    check_message((await office.card(approval, "Reminded  once"))["blocks"])


async def test_a_reminder_calls_delegates_of_those_who_have_not_voted(office) -> None:
    for giver, text in ((BOB, "@eve for 2d"), (CAT, "<@U0MEMBER> for 2d")):
        answer = await office.local.command(giver, PLATFORM, "/placet", f"delegate {text}")
        assert "for team platform" in shown({"blocks": answer.blocks})
    approval = await office.ask(assessment=acme.assessed(terms=(Term("platform", 2),)))
    card = await office.card(approval)
    await office.click(CAT, approval, "approve")
    await office.told(CAT, "recorded")

    await half_time(office, approval)

    reminder = await in_thread(office, card, "Reminder: team platform has not decided")
    called = [e.get("user_id") for b in reminder["blocks"] for e in elements(b)]
    assert [user for user in called if user] == [BOB, "U0DAN", EVE]
    assert "(for bob)" in shown(reminder)
    check_message(reminder["blocks"])


async def test_a_reminder_calls_no_delegate_who_owns_the_agent(office) -> None:
    answer = await office.local.command(BOB, PLATFORM, "/placet", "delegate @alice for 2d")
    assert "for team platform" in shown({"blocks": answer.blocks})
    approval = await office.ask()
    card = await office.card(approval)

    await half_time(office, approval)

    reminder = await in_thread(office, card, "Reminder: team platform has not decided")
    assert ALICE not in str(reminder["blocks"])


async def test_the_button_of_a_reminder_gives_more_time_on_every_card(office) -> None:
    approval = await office.ask()
    card = await office.card(approval)
    await half_time(office, approval)
    reminder = await in_thread(office, card, "Reminder")

    await office.local.click(BOB, PLATFORM, reminder["ts"], "approval.extend")

    await office.told(BOB, "It waits until")
    await in_thread(office, card, "bob gave it more time, until")
    waits = await office.approval(approval)
    assert waits.expires_at == waits.requested_at + timedelta(hours=1)


async def test_an_outsider_gives_no_more_time_and_is_told_why(office) -> None:
    approval = await office.ask()
    card = await office.card(approval)
    await half_time(office, approval)
    reminder = await in_thread(office, card, "Reminder")

    await office.local.click("U0OUT", PLATFORM, reminder["ts"], "approval.extend")

    await office.told("U0OUT", "Nothing changed. You are not an approver")
    assert "StepRefused" in await office.topics(approval)


async def test_an_escalated_approval_has_a_card_for_the_other_team_and_all_are_kept_in_step(
    office,
) -> None:
    approval = await office.ask()
    card = await office.card(approval)

    await half_time(office, approval)
    other = await office.card(approval, channel=SECURITY)
    await in_thread(office, card, "team security may decide in its place now")
    await office.local.click(EVE, SECURITY, other["ts"], "approval.approve")

    await office.becomes(approval, ApprovalStatus.APPROVED)
    for channel in (PLATFORM, SECURITY):
        await office.card(approval, "Approved: files", channel=channel)
        assert len(await office.cards(approval, channel)) == 1
    assert {c.team for c in (await office.approval(approval)).cards} == {"platform", "security"}


async def test_the_owner_takes_a_question_back_by_command(office) -> None:
    approval = await office.ask()
    card = await office.card(approval)

    refused = await office.local.command(BOB, PLATFORM, "/placet", f"withdraw {approval}")
    taken = await office.local.command(
        ALICE, PLATFORM, "/placet", f"withdraw {approval} because wrong folder"
    )

    assert "Only the agent's owner" in shown_to(refused)
    assert "Taken back" in shown_to(taken)
    await office.card(approval, "Cancelled: files")
    await in_thread(office, card, "withdrawn by `alice`: wrong folder")


async def test_an_approver_gives_more_time_by_command_up_to_a_day(office) -> None:
    approval = await office.ask()
    await office.card(approval)

    more = await office.local.command(CAT, PLATFORM, "/placet", f"extend {approval} for 2h")
    most = await office.local.command(CAT, PLATFORM, "/placet", f"extend {approval} for 1d")

    assert "It waits until" in shown_to(more)
    assert "this one can get 21h30m more" in shown_to(most)


def shown_to(answer) -> str:
    return shown({"blocks": answer.blocks})


def elements(block):
    for part in block.get("elements", []):
        yield part
        yield from part.get("elements", [])
