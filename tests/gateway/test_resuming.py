"""A server may end a stream early; the client takes its answer up on another one."""

import asyncio
import itertools
import json

import pytest
from aiohttp import web
from gateway_stage import CI_BOT, staged

from gateway.calls.resuming import Resumable

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}},
}
CALL = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "read_file"}}
LEGACY = {"MCP-Protocol-Version": "2025-11-25"}


async def early(_message, request):
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b"id: 1\ndata:\nretry: 10\n\n")
    return response


@pytest.fixture
async def left(sqlite_url):
    """Give a stage with a call whose stream the server has ended, and the session's headers."""
    async with staged(sqlite_url) as stage:
        stage.server.sessions = True
        begun = await stage.post(json.dumps(INITIALIZE).encode())
        session = LEGACY | {"Mcp-Session-Id": begun.headers["Mcp-Session-Id"]}
        stage.server.reply = early
        answer = await stage.post(json.dumps(CALL).encode(), session)
        assert answer.body.startswith(b"id: 1")
        yield stage, session | {"Authorization": f"Bearer {CI_BOT}"}


async def test_the_outcome_is_that_of_the_response_on_the_other_stream(left):
    stage, headers = left
    assert "CallCompleted" not in await stage.topics()

    async with stage.http.get(
        f"{stage.url}/mcp/files", headers=headers | {"Last-Event-ID": "1"}
    ) as stream:
        stage.server.tell({"jsonrpc": "2.0", "id": 8, "result": {}})
        stage.server.tell({"jsonrpc": "2.0", "id": 7, "result": {"isError": True}})
        heard = [await stream.content.readline() for _ in range(3)]
        (ended,) = await stage.ended()

    assert json.loads(heard[2][6:])["id"] == 7
    assert ended.outcome == "tool-error"
    assert stage.server.seen[-1][1]["Last-Event-ID"] == "1"


async def test_a_call_whose_id_is_used_again_has_an_end_of_its_own(left):
    stage, headers = left

    await stage.post(json.dumps(CALL).encode(), headers)
    (first,) = await stage.ended()
    async with stage.http.get(
        f"{stage.url}/mcp/files", headers=headers | {"Last-Event-ID": "1"}
    ) as stream:
        stage.server.tell({"jsonrpc": "2.0", "id": 7, "result": {}})
        await stream.content.readline()
        (_, second) = await stage.ended(2)

    assert (first.outcome, first.error) == (
        "failed",
        "the server ended its answer without a response, and its id was used again",
    )
    assert (second.outcome, second.call != first.call) == ("ok", True)


class Going:
    """A server that goes on with the stream of a call until its connection is closed."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    async def __call__(self, _message, request):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            for number in itertools.count(1):
                await response.write(b"id: %d\ndata:\n\n" % number)
                await asyncio.sleep(0.01)
        finally:
            self.closed.set()


async def test_a_stream_that_lost_its_client_is_closed_at_the_server_when_it_is_taken_up(left):
    stage, headers = left
    stage.server.reply = going = Going()
    calling = headers | {"Content-Type": "application/json", "Accept": "text/event-stream"}
    again = CALL | {"id": 9}

    async with stage.http.post(f"{stage.url}/mcp/files", json=again, headers=calling) as lost:
        assert await lost.content.readline() == b"id: 1\n"
        lost.close()
    async with stage.http.get(
        f"{stage.url}/mcp/files", headers=headers | {"Last-Event-ID": "another"}
    ):
        assert not going.closed.is_set()
    async with stage.http.get(
        f"{stage.url}/mcp/files", headers=headers | {"Last-Event-ID": "1"}
    ) as stream:
        assert going.closed.is_set()
        stage.server.tell({"jsonrpc": "2.0", "id": 9, "result": {"isError": True}})
        await stream.content.readline()
        (ended,) = await stage.ended()

    assert ended.outcome == "tool-error"


async def test_a_call_is_waited_for_as_long_as_any_other_though_its_id_was_used_before():
    resumable, session, ended = Resumable(seconds=0.2), ("files", "1"), []
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    resumable.leave(session, "7", ended.append)
    began = loop.time()
    while loop.time() < began + 0.1:
        await asyncio.sleep(0.01)
    resumable.leave(session, "7", done.set_result)
    left = loop.time()
    outcome = await asyncio.wait_for(done, 60)

    assert [outcome.error for outcome in ended] == [
        "the server ended its answer without a response, and its id was used again"
    ]
    assert "nobody took it up again" in outcome.error
    assert loop.time() - left > 0.15


@pytest.mark.parametrize("status", [200, 204, 404])
async def test_a_session_that_is_ended_first_makes_a_failed_call(left, status):
    stage, headers = left
    stage.server.farewell = status

    async with stage.http.delete(f"{stage.url}/mcp/files", headers=headers) as answer:
        assert answer.status == status
    (ended,) = await stage.ended()

    assert (ended.outcome, ended.error) == (
        "failed",
        "the session was ended before the server answered",
    )


@pytest.mark.parametrize("status", [405, 500])
async def test_a_session_that_the_server_does_not_end_ends_no_call(left, status):
    stage, headers = left
    stage.server.farewell = status

    async with stage.http.delete(f"{stage.url}/mcp/files", headers=headers) as answer:
        assert answer.status == status
    async with stage.http.get(
        f"{stage.url}/mcp/files", headers=headers | {"Last-Event-ID": "1"}
    ) as stream:
        stage.server.tell({"jsonrpc": "2.0", "id": 7, "result": {}})
        await stream.content.readline()
        (ended,) = await stage.ended()

    assert ended.outcome == "ok"
