"""Details: read page by page, and what was read counts for the person who read it."""

from office import BOB, CAT, shown

from ledger.approvals import ApprovalStatus


async def test_a_call_too_long_for_its_card_is_approved_only_after_reading_it_all(office) -> None:
    arguments = '{"content":"' + "x" * 60_000 + '","path":"/etc/motd"}'
    approval = await office.ask(arguments=arguments)

    await office.click(BOB, approval, "approve")
    await office.told(BOB, "open Details to its last page first")
    await office.click(BOB, approval, "details")
    view = await office.local.wait_for_view(BOB)
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
