"""The process is killed anywhere; what was acknowledged holds and nothing runs twice."""

import asyncio
import contextlib

import aiohttp
import pytest
from scenarios.stage import BOB, PLATFORM, until

pytestmark = pytest.mark.timeout(240)

WRITE = {"path": "a.txt", "text": "hello"}

GONE = (aiohttp.ClientError, ConnectionError, asyncio.TimeoutError)

BEFORE_THE_CLICK = ["request-read", "decided", "card-sending", "card-sent", "card-recorded"]
AT_THE_CLICK = ["vote-received", "vote-recorded"]
AT_THE_CALL = ["claimed", "forwarded"]


async def approved_and_run(stage, replica):
    """Repeat the call until its card is approved and it has run."""

    async def ran():
        result = await replica.call("write_file", WRITE)
        return not result.get("isError")

    if await ran():
        return
    with contextlib.suppress(TimeoutError):
        await stage.press(BOB, "approval.approve")
    await until(ran)


@pytest.mark.parametrize("point", BEFORE_THE_CLICK)
async def test_killed_before_the_click_the_call_can_still_be_approved(staged, point):
    async with staged() as stage:
        replica = await stage.serve(kill_at=point)
        with contextlib.suppress(*GONE):
            await replica.call("write_file", WRITE)
        await replica.died()

        await replica.start()
        await approved_and_run(stage, replica)

        assert stage.server.runs == [("write_file", WRITE)]


@pytest.mark.parametrize("point", AT_THE_CLICK)
async def test_killed_at_the_click_the_card_still_works(staged, point):
    async with staged() as stage:
        replica = await stage.serve(kill_at=point)
        await replica.call("write_file", WRITE)
        stage.workspace.sockets.ack_seconds = 1.0  # nobody is left to answer
        card = await stage.card()
        await stage.workspace.click(BOB, PLATFORM, card["ts"], "approval.approve")
        await replica.died()

        await replica.start()
        await approved_and_run(stage, replica)

        assert stage.server.runs == [("write_file", WRITE)]


@pytest.mark.parametrize("point", AT_THE_CALL)
async def test_killed_after_dispatch_the_outcome_is_unknown_and_nothing_runs_again(staged, point):
    async with staged() as stage:
        replica = await stage.serve(kill_at=point)
        await replica.call("write_file", WRITE)
        await stage.press(BOB, "approval.approve")
        with contextlib.suppress(*GONE):
            await replica.call("write_file", WRITE)
        await replica.died()
        ran = len(stage.server.runs)

        await replica.start()
        await stage.card_saying("unknown")
        result = await replica.call("write_file", WRITE)

        assert result["isError"] is True
        assert len(stage.server.runs) == ran
        assert "OutcomeUnknown" in await stage.events()


async def test_killed_before_a_held_call_claims_its_approval_it_still_runs_once(staged):
    async with staged(hold="1m") as stage:
        replica = await stage.serve(kill_at="claiming")
        call = asyncio.create_task(replica.call("write_file", WRITE))
        stage.workspace.sockets.ack_seconds = 1.0  # nobody may be left to answer
        card = await stage.card()
        await stage.workspace.click(BOB, PLATFORM, card["ts"], "approval.approve")
        await replica.died()
        with contextlib.suppress(*GONE):
            await call
        assert stage.server.runs == []

        await replica.start()
        await approved_and_run(stage, replica)

        assert stage.server.runs == [("write_file", WRITE)]
        assert (await stage.events()).count("ApprovalGiven") == 1


async def test_killed_once_the_outcome_is_recorded_the_card_shows_it(staged):
    async with staged() as stage:
        replica = await stage.serve(kill_at="completed")
        await replica.call("write_file", WRITE)
        await stage.press(BOB, "approval.approve")
        with contextlib.suppress(*GONE):
            await replica.call("write_file", WRITE)
        await replica.died()

        await replica.start()
        await stage.card_saying("the call ran and the tool answered")

        names = await stage.events()
        assert names.count("CallCompleted") == 1
        assert "OutcomeUnknown" not in names
        assert stage.server.runs == [("write_file", WRITE)]
