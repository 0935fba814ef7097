"""Kill the bot's process anywhere: after a restart the cards stand where the ledger stands."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from office import BOB, PLATFORM, shown, until_async

from ledger.approvals import ApprovalStatus

TESTS = Path(__file__).resolve().parent.parent
SCRIPT = (
    "import runpy, sys; sys.path[:0] = {paths}; runpy.run_path({script!r}, run_name='__main__')"
)


@asynccontextmanager
async def dying_bot(office, url, point) -> AsyncIterator[asyncio.subprocess.Process]:
    code = SCRIPT.format(paths=[str(TESTS.parent), str(TESTS)], script=str(TESTS / "dying_bot.py"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, url, office.local.api_url, point
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize(
    ("point", "copies"), [("card-sending", 1), ("card-sent", 2), ("card-recorded", 1)]
)
async def test_killed_while_posting_the_card_works_after_a_restart(
    closed_office, sqlite_url, point, copies
) -> None:
    office = closed_office
    approval = await office.ask()

    async with dying_bot(office, sqlite_url, point) as process:
        assert await asyncio.wait_for(process.wait(), 60) == -9
    await office.listening()
    await until_async(lambda: _known(office, approval))
    cards = await office.cards(approval)
    await office.local.click(BOB, PLATFORM, cards[0]["ts"], "approval.approve")

    await office.becomes(approval, ApprovalStatus.APPROVED)
    assert len(cards) == copies
    for card in cards:
        await office.local.wait_for_message(
            PLATFORM,
            lambda m, card=card: m["ts"] == card["ts"] and "Approved: files" in shown(m),
        )


@pytest.mark.parametrize(("point", "votes"), [("vote-received", 0), ("vote-recorded", 1)])
async def test_killed_in_the_middle_of_a_click_the_vote_counts_once(
    closed_office, sqlite_url, point, votes
) -> None:
    office = closed_office
    approval = await office.ask()

    async with dying_bot(office, sqlite_url, point) as process:
        await office.local.wait_until_connected(1, 60)
        await office.told_card(approval)
        pressed = await office.click(BOB, approval, "approve")
        assert await asyncio.wait_for(process.wait(), 60) == -9
    recorded = (await office.approval(approval)).votes
    await office.listening()
    card = (await office.cards(approval))[0]
    if not votes:
        await office.local.click(BOB, PLATFORM, card["ts"], "approval.approve")

    assert not pressed.acknowledged
    assert len(recorded) == votes
    decided = await office.becomes(approval, ApprovalStatus.APPROVED)
    assert len(decided.votes) == 1
    await office.card(approval, "Approved: files")
    assert len(await office.cards(approval)) == 1


async def test_killed_between_a_repaint_and_its_record_all_is_shown_and_told_once(
    closed_office, sqlite_url
) -> None:
    office = closed_office
    approval = await office.ask()

    async with dying_bot(office, sqlite_url, "card-repainted") as process:
        await office.local.wait_until_connected(1, 60)
        await office.told_card(approval)
        await office.click(BOB, approval, "approve")
        assert await asyncio.wait_for(process.wait(), 60) == -9
    await office.listening()

    card = await office.card(approval, "Approved: files")
    told = await office.local.wait_for_message(
        PLATFORM, lambda m: m.get("thread_ts") == card["ts"] and "bob approved" in shown(m)
    )
    await until_async(lambda: _painted(office, approval))
    thread = (await office.local.messages(PLATFORM, card["ts"]))[1:]
    assert [shown(message) for message in thread] == [shown(told)]
    assert len(await office.cards(approval)) == 1


async def _painted(office, approval) -> bool:
    return "CardRepainted" in await office.topics(approval)


async def _known(office, approval) -> bool:
    return bool((await office.approval(approval)).cards)
