"""Official clients are held: approved, denied, let go and given up meanwhile."""

import asyncio
import itertools

import pytest
from gateway_stage import CI_BOT, OTHER_BOT, staged, until

from gateway.calls.patience import Pace

WRITE = [["write_note", {"name": "a", "text": "x"}]]


@pytest.fixture
async def sdk(sdk_server, sqlite_url):
    own, pace = ", hold: 1s", Pace(progress=0.05, comments=0.05)
    async with staged(sqlite_url, hold="100ms", server=sdk_server, own=own, pace=pace) as stage:
        yield stage


def rising(steps):
    values = [value for value, _, _ in steps]
    return all(before < after for before, after in itertools.pairwise(values))


async def held(stage):
    """Wait until a call is held longer than in silence, and return its approval."""

    async def begun():
        return "held" in stage.reached

    await until(begun)
    (approval,) = await stage.pending()
    return approval


async def test_approved_during_the_hold_the_call_answers_what_the_server_does(sdk, client):
    call = asyncio.create_task(client(f"{sdk.url}/mcp/files", WRITE, OTHER_BOT))
    approval = await held(sdk)
    await sdk.decide(approval.id)

    told = await call

    assert told["calls"][0]["content"][0]["text"] == "a: x"
    assert told["calls"][0].get("isError") is not True
    assert approval.id in told["progress"][0][2]
    assert rising(told["progress"])


async def test_the_servers_progress_goes_on_after_ours(sdk, client):
    write = [["write_slowly", {"name": "a"}]]
    call = asyncio.create_task(client(f"{sdk.url}/mcp/files", write, OTHER_BOT))
    approval = await held(sdk)
    await sdk.decide(approval.id)

    told = await call

    assert told["calls"][0]["content"][0]["text"] == "a: written"
    assert [step[0] for step in told["progress"]][-3:] == [0, 1, 2]
    assert told["progress"][0][0] < 0
    assert rising(told["progress"])


async def test_denied_during_the_hold_the_call_is_an_error_result(sdk, client):
    call = asyncio.create_task(client(f"{sdk.url}/mcp/files", WRITE, OTHER_BOT))
    approval = await held(sdk)
    await sdk.decide(approval.id, approves=False, reason="not today")

    told = await call

    assert told["calls"][0]["isError"] is True
    assert "not today" in told["calls"][0]["content"][0]["text"]


async def test_let_go_after_its_own_limit_the_call_is_pending(sdk, client):
    told = await client(f"{sdk.url}/mcp/files", WRITE, CI_BOT)

    assert told["calls"][0]["_meta"]["placet/decision"]["status"] == "pending"
    assert rising(told["progress"])
    assert len(told["progress"]) > 1


async def test_given_up_by_its_client_the_call_runs_nothing_and_can_be_taken_up(
    sdk, client, leaving
):
    url = f"{sdk.url}/mcp/files"
    given_up = await leaving(sdk, url, WRITE, OTHER_BOT)
    (approval,) = await sdk.pending()
    await sdk.decide(approval.id)
    taken_up = await client(url, WRITE, OTHER_BOT)

    assert "raised" in given_up["calls"][0]
    assert taken_up["calls"][0]["content"][0]["text"] == "a: x"
    assert (await sdk.ledger.approval(approval.id)).outcome == "ok"
