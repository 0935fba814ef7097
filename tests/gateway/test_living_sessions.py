"""A session that its server has forgotten costs people no question, and no approval."""

import asyncio
import json

import pytest
from gateway_stage import CI_BOT, Forgetful, staged_before

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}},
}
FORGOTTEN = (
    "the server knows this session no more; nothing was executed: initialize a new one, and call"
    " again with identical arguments"
)


@pytest.fixture
async def stage(sqlite_url):
    """Give a stage before a forgetful server; calls are held for longer than a test takes."""
    async with staged_before(sqlite_url, Forgetful(), hold="4s") as staging:
        yield staging


async def begun(stage):
    """Begin a session, and return the headers of what is sent in it."""
    answer = await stage.post(json.dumps(INITIALIZE).encode())
    name = answer.headers["Mcp-Session-Id"]
    return {"MCP-Protocol-Version": "2025-11-25", "Mcp-Session-Id": name}


async def call(stage, session, tool="write_file"):
    """Call a tool in a session."""
    message = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": tool}}
    return await stage.post(json.dumps(message).encode(), session, key=CI_BOT)


async def test_nobody_is_asked_about_a_call_in_a_session_that_is_over(stage):
    session = await begun(stage)
    stage.server.life = 2

    answer = await call(stage, session)

    assert (answer.status, answer.error["message"]) == (404, FORGOTTEN)
    assert "CallDecided" not in await stage.topics()


async def test_an_approval_is_kept_for_the_next_session(stage):
    session = await begun(stage)
    calling = asyncio.create_task(call(stage, session))
    (approval,) = await stage.pending()
    stage.server.life = 2

    await stage.decide(approval.id)
    told = await calling
    again = await call(stage, await begun(stage))

    assert (told.status, told.error["message"]) == (404, FORGOTTEN)
    assert again.json["result"]["content"][0]["text"] == "done: write_file"
    assert len(stage.server.calls()) == 1
    assert (await stage.topics()).count("ApprovalRequested") == 1


async def test_a_server_without_ping_forgets_no_session_by_that(stage):
    stage.server.unknown.add("ping")
    session = await begun(stage)

    calling = asyncio.create_task(call(stage, session))
    (approval,) = await stage.pending()
    await stage.decide(approval.id)

    assert (await calling).json["result"]["content"][0]["text"] == "done: write_file"
