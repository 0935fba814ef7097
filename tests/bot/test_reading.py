"""Details: read page by page, and what was read counts for the person who read it."""

import pytest
from office import ALICE, BOB, CAT, GUEST, MEMBER, OUT, PLATFORM, ROBOT, STRANGER, shown

from bot.workspace.faults import AnswerError
from ledger.events.refusals import CommandRefused
from ledger.lives.approvals import ApprovalStatus


async def test_a_call_too_long_for_its_card_is_approved_only_after_reading_it_all(office) -> None:
    arguments = '{"content":"' + "x" * 60_000 + '","path":"/etc/motd"}'
    approval = await office.ask(arguments=arguments)

    await office.click(BOB, approval, "approve")
    await office.told(BOB, "open Details to its last page first")
    await office.click(BOB, approval, "details")
    view = await office.local.wait_for_view(BOB)
    assert view["title"]["text"] == "Details, page 1 of 4"
    await office.click(BOB, approval, "approve")
    assert (await office.approval(approval)).status is ApprovalStatus.PENDING
    for page in range(2, 5):
        await office.local.click_in_view(BOB, view["id"], "details.next")
        await office.local.wait_for_view(BOB, lambda v, page=page: f"Page {page} of 4." in shown(v))
    await office.click(CAT, approval, "approve")
    await office.told(CAT, "open Details to its last page first")
    await office.click(BOB, approval, "approve")

    decided = await office.becomes(approval, ApprovalStatus.APPROVED)
    assert decided.by == ("bob",)
    assert decided.read == {"bob": (1, 2, 3, 4)}


async def test_details_go_back_too(office) -> None:
    approval = await office.ask(arguments='{"content":"' + "x" * 30_000 + '"}')

    await office.click(BOB, approval, "details")
    view = await office.local.wait_for_view(BOB)
    await office.local.click_in_view(BOB, view["id"], "details.next")
    await office.local.wait_for_view(BOB, lambda v: "Page 2 of" in shown(v))
    await office.local.click_in_view(BOB, view["id"], "details.previous")

    await office.local.wait_for_view(BOB, lambda v: "Page 1 of" in shown(v))


@pytest.mark.parametrize("who", [OUT, GUEST, STRANGER, ROBOT])
async def test_who_may_not_look_opens_no_details_and_is_told_why(office, who) -> None:
    approval = await office.ask()

    await office.click(who, approval, "details")

    await office.told(who, "Nothing was opened. Only people of Placet's configuration")
    assert await office.local.views(who) == []
    assert (await office.approval(approval)).read == {}
    events = [one.event for one in await office.ledger.events()]
    (refused,) = [event for event in events if isinstance(event, CommandRefused)]
    assert refused.asked == "approval.details"


@pytest.mark.parametrize("action", ["deny", "approve_for"])
async def test_who_may_not_look_is_asked_nothing_in_a_dialog(office, action) -> None:
    approval = await office.ask()

    await office.click(GUEST, approval, action)

    await office.told(GUEST, "Nothing was opened. Only people of Placet's configuration")
    assert await office.local.views(GUEST) == []
    events = [one.event for one in await office.ledger.events()]
    (refused,) = [event for event in events if isinstance(event, CommandRefused)]
    assert refused.asked == f"approval.{action}"


async def test_who_votes_in_an_approvers_stead_looks_though_nothing_else_is_known(office) -> None:
    approval = await office.ask()
    await office.local.command(BOB, PLATFORM, "/placet", f"delegate <@{OUT}> for 1d")

    await office.click(OUT, approval, "details")
    await office.local.wait_for_view(OUT)
    listed = await office.local.command(OUT, PLATFORM, "/placet", "delegations")

    assert "votes for" in shown({"blocks": listed.blocks})


async def test_a_member_of_an_approvers_group_and_an_owner_look(office) -> None:
    approval = await office.ask()

    for who in (MEMBER, ALICE):
        await office.click(who, approval, "details")
        await office.local.wait_for_view(who)


async def test_where_slack_does_not_say_who_looks_nothing_is_opened(office) -> None:
    approval = await office.ask()
    await office.card(approval)
    await office.local.fail_next("usergroups.users.list", AnswerError("plan_upgrade_required"))

    await office.click(MEMBER, approval, "details")

    await office.told(MEMBER, "Nothing was opened. Slack could not confirm who you are")
    assert await office.local.views(MEMBER) == []
