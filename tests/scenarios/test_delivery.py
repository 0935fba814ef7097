"""Slack is away, or does not know the channel; nothing is lost and everybody is told."""

import asyncio
import json

import pytest
from scenarios.stage import BOB, PLATFORM, until

from bot.workspace.spec import WorkspaceChannel

pytestmark = pytest.mark.timeout(180)

WRITE = {"path": "a.txt", "text": "hello"}


async def test_a_card_is_posted_once_slack_is_back(staged):
    async with staged() as stage:
        replica = await stage.serve()
        await stage.workspace.outage(refuse=True)

        pending = await replica.call("write_file", WRITE)
        await stage.workspace.recover()
        await stage.workspace.wait_until_connected(seconds=60)
        await stage.press(BOB, "approval.approve")
        ran = await replica.call("write_file", WRITE)

        assert pending["isError"] is True
        assert ran["content"][0]["text"].startswith("done: write_file")
        assert len(stage.server.runs) == 1


async def test_an_undeliverable_card_is_told_at_once_and_posted_once_the_channel_exists(staged):
    async with staged(hold="1m") as stage:
        replica = await stage.serve()
        await stage.workspace.remove_channel(PLATFORM)
        started = asyncio.get_running_loop().time()

        pending = await replica.call("write_file", WRITE)
        waited = asyncio.get_running_loop().time() - started
        _, readiness = await replica.readiness()

        assert pending["isError"] is True
        assert "channel_not_found" in json.dumps(pending)
        assert waited < 60
        assert "undeliverable" in readiness or "channel_not_found" in readiness
        assert "CardUndeliverable" in await stage.events()

        members = ("U0ALICE", "U0BOB", "U0CAT", "U0PLACET")
        again = WorkspaceChannel(id=PLATFORM, name="platform", members=members)
        await stage.workspace.add_channel(again)
        await stage.press(BOB, "approval.approve")

        async def posted_once():
            return (await stage.events()).count("CardPosted") == 1

        await until(posted_once)
        ran = await replica.call("write_file", WRITE)
        assert ran["content"][0]["text"].startswith("done: write_file")


async def test_a_click_that_slack_delivers_twice_is_one_vote(staged):
    async with staged() as stage:
        replica = await stage.serve()
        await replica.call("write_file", WRITE)
        await stage.workspace.duplicate_next(2)

        await stage.press(BOB, "approval.approve")

        names = await stage.events()
        assert names.count("VoteCast") == 1
        assert names.count("VoteRefused") == 0
        assert names.count("ApprovalGiven") == 1
