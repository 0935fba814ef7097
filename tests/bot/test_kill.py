"""Kill the bot's process anywhere: after a restart the cards stand where the ledger stands."""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import acme
import forked
import pytest
from office import BOB, PLATFORM, open_office, shown, spec, until_async

from bot.workspace.spec import EVERY_SCOPE
from ledger.events.card_events import CardFound, CardRepainted
from ledger.lives.approvals import ApprovalStatus
from ledger.lives.deadlines_due import ExpireApproval

DYING_BOT = Path(__file__).resolve().parent.parent / "dying_bot.py"


@asynccontextmanager
async def dying_bot(office, url, point) -> AsyncIterator[forked.Forked]:
    command = [str(DYING_BOT), url, office.local.api_url, point]
    with tempfile.TemporaryFile() as said:
        process = await forked.start(command, {}, stdout=said, stderr=said)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            said.seek(0)
            sys.stderr.write(said.read().decode())


UNREAD = EVERY_SCOPE - {"channels:history", "groups:history"}


@pytest.mark.parametrize(
    ("point", "scopes", "copies"),
    [
        ("card-sending", EVERY_SCOPE, 1),
        ("card-sent", EVERY_SCOPE, 1),
        ("card-sent", UNREAD, 2),
        ("card-recorded", EVERY_SCOPE, 1),
        ("card-recorded", UNREAD, 1),
    ],
)
async def test_killed_while_posting_the_card_works_after_a_restart(
    sqlite_url, point, scopes, copies
) -> None:
    async with open_office(sqlite_url, scopes=scopes) as office:
        approval = await office.ask()

        await killed(office, sqlite_url, point)
        await office.listening()
        await until_async(lambda: _known(office, approval))
        cards = await office.cards(approval)
        await office.local.click(BOB, PLATFORM, cards[0]["ts"], "approval.approve")

        await office.becomes(approval, ApprovalStatus.APPROVED)
        assert len(cards) == copies
        for card in cards:
            await _says(office, card, "Approved: files")


async def test_a_card_whose_record_was_lost_is_found_and_recorded_as_it_then_looks(
    closed_office, sqlite_url
) -> None:
    office = closed_office
    approval = await office.ask()

    await killed(office, sqlite_url, "card-sent")
    await office.listening()
    await until_async(lambda: _painted(office, approval))

    (card,) = await office.cards(approval)
    events = await office.events(approval)
    (found,) = [event for event in events if isinstance(event, CardFound)]
    (painted,) = [event for event in events if isinstance(event, CardRepainted)]
    assert (found.team, found.channel, found.ts) == ("platform", PLATFORM, card["ts"])
    assert json.loads(painted.blocks) == card["blocks"]
    assert len(await office.local.requests("chat.postMessage")) == 1


async def test_a_lost_card_of_what_ended_meanwhile_does_not_ask_any_more(
    closed_office, sqlite_url
) -> None:
    office = closed_office
    approval = await office.ask(assessment=acme.assessed(expires_in=timedelta(seconds=40)))

    await killed(office, sqlite_url, "card-sent")
    office.clock.ahead += timedelta(seconds=41)
    await office.ledger.execute(
        ExpireApproval(id=f"expire:{approval}", actor="placet:deadlines", approval=approval)
    )
    await office.listening()

    await office.card(approval, "Expired: files")
    assert len(await office.cards(approval)) == 1


async def test_a_lost_card_of_several_questions_is_found_for_all_of_them(
    closed_office, sqlite_url
) -> None:
    office = closed_office
    approvals = [await office.ask(f"call_{n}") for n in range(7)]

    await killed(office, sqlite_url, "summary-sent")
    office.group_after = 5
    await office.listening()
    await until_async(lambda: _sharing(office, approvals, 2), 40)

    posts = await office.local.requests("chat.postMessage")
    shared = [each for each in approvals if (await office.approval(each)).cards[0].members]
    assert len(posts) == len(approvals) - len(shared) + 1
    (card,) = await office.cards(shared[0])
    assert all(approval in str(card["blocks"]) for approval in shared)
    for approval in shared:
        assert (await office.approval(approval)).cards[0].members == tuple(shared)


async def _sharing(office, approvals, wanted) -> bool:
    """Tell whether all have a card, and so many of them the same one."""
    cards = [(await office.approval(each)).cards for each in approvals]
    return all(cards) and sum(bool(each[0].members) for each in cards) == wanted


async def test_a_second_copy_is_painted_once_the_channel_can_be_read_though_nobody_clicks(
    sqlite_url,
) -> None:
    async with open_office(sqlite_url, scopes=UNREAD) as office:
        approval = await office.ask()
        await killed(office, sqlite_url, "card-sent")
        await office.listening()
        await until_async(lambda: _known(office, approval))
        await office.stop_bot()
        lost, posted = sorted(await office.cards(approval), key=lambda card: card["ts"])
        office.local.workspace.spec = spec(scopes=EVERY_SCOPE)

        await office.listening()
        await office.local.click(BOB, PLATFORM, posted["ts"], "approval.approve")

        await _says(office, posted, "Approved: files")
        await _says(office, lost, "Approved: files")


async def killed(office, url, point) -> None:
    """Let a bot run until it has killed itself at a point."""
    async with dying_bot(office, url, point) as process:
        assert await asyncio.wait_for(process.wait(), 60) == -9


async def _says(office, card, text) -> None:
    await office.local.wait_for_message(
        PLATFORM, lambda message: message["ts"] == card["ts"] and text in shown(message)
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
        office.local.sockets.ack_seconds = 1.0  # nobody is left to answer
        pressed = await office.click(BOB, approval, "approve")
        assert await asyncio.wait_for(process.wait(), 60) == -9
    office.local.sockets.ack_seconds = 60
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


@pytest.mark.parametrize("point", ["card-repainted", "line-sent"])
async def test_killed_between_a_repaint_and_its_record_all_is_shown_and_told_once(
    closed_office, sqlite_url, point
) -> None:
    office = closed_office
    approval = await office.ask()

    async with dying_bot(office, sqlite_url, point) as process:
        await office.local.wait_until_connected(1, 60)
        await office.told_card(approval)
        office.local.sockets.ack_seconds = 1.0  # nobody may be left to answer
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
