"""The office of the tests: it outlasts a stalled machine, and tells which click did not count."""

import pytest
from office import BOB, OUT

from bot.workspace.faults import Delay
from ledger.lives.approvals import ApprovalStatus


async def test_a_click_counts_though_slack_answers_later_than_placet_would_wait(
    office, own_limits
) -> None:
    approval = await office.ask()
    await office.card(approval)
    await office.local.fail_next("users.info", Delay(own_limits["bot.slack.witness.SECONDS"] + 0.3))

    await office.click(BOB, approval, "approve")

    await office.becomes(approval, ApprovalStatus.APPROVED)


async def test_who_waits_for_a_click_that_did_not_count_hears_why_at_once(office) -> None:
    approval = await office.ask()
    await office.click(OUT, approval, "approve")

    with pytest.raises(AssertionError, match=r"Not counted\. You are not an approver"):
        await office.becomes(approval, ApprovalStatus.APPROVED)


def test_what_one_acknowledgement_may_take_leaves_a_second_of_it(own_limits) -> None:
    acknowledged = own_limits["bot.workspace.server.ACK_SECONDS"]

    assert acknowledged == 3
    assert own_limits["bot.slack.witness.SECONDS"] == 1.5
    assert own_limits["bot.desk.desk.QUICK"] == 2
