"""At a server without sessions no agent can meet what another one has there."""

import asyncio
import json

import pytest
from aiohttp import web
from gateway_stage import CI_BOT, META, MODERN, OTHER_BOT, staged, until

LEGACY = {"MCP-Protocol-Version": "2025-11-25"}


@pytest.fixture
async def stage(sqlite_url):
    async with staged(sqlite_url) as opened:
        yield opened


def cancelling(number, **params):
    params = {"requestId": number, **params}
    note = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}
    return json.dumps(note).encode()


def cancelled(stage):
    return [body for _, _, body in stage.server.seen if b"notifications/cancelled" in body]


async def running(stage, count):
    """Wait until so many calls are at the server."""

    async def there():
        return len(stage.server.calls()) - len(cancelled(stage)) >= count

    await until(there)


async def test_only_an_agents_own_running_call_can_be_cancelled(stage):
    stage.server.gate.clear()
    call = asyncio.create_task(stage.call("read_file", legacy=True))
    await running(stage, 1)

    foreign = await stage.post(cancelling(1), LEGACY, key=OTHER_BOT)
    odd = await stage.post(cancelling("1"), LEGACY)
    assert cancelled(stage) == []
    own = await stage.post(cancelling(1), LEGACY)
    assert cancelled(stage) == [cancelling(1)]
    stage.server.gate.set()
    await call
    late = await stage.post(cancelling(1), LEGACY)

    assert {answer.status for answer in (foreign, odd, own, late)} == {202}
    assert cancelled(stage) == [cancelling(1)]


async def test_an_id_that_names_calls_of_two_agents_cancels_none(stage):
    stage.server.gate.clear()
    own = [asyncio.create_task(stage.call("read_file", legacy=True)) for _ in range(2)]
    foreign = asyncio.create_task(stage.call("read_file", legacy=True, key=OTHER_BOT))
    await running(stage, 3)

    await stage.post(cancelling(1), LEGACY)

    assert cancelled(stage) == []
    stage.server.gate.set()
    await asyncio.gather(*own, foreign)


async def test_a_call_whose_caller_went_away_can_still_be_cancelled(stage):
    stage.server.gate.clear()
    call = asyncio.create_task(stage.call("read_file", legacy=True))
    await running(stage, 1)
    call.cancel()
    await asyncio.wait([call])

    await stage.post(cancelling(1), LEGACY)

    assert cancelled(stage) == [cancelling(1)]


async def test_callers_of_the_era_without_sessions_cancel_by_going_away_alone(stage):
    stage.server.gate.clear()
    call = asyncio.create_task(stage.call("read_file"))
    await running(stage, 1)

    by_header = await stage.post(cancelling(1), {"MCP-Protocol-Version": MODERN})
    by_body = await stage.post(cancelling(1, _meta=META), {"MCP-Protocol-Version": MODERN})

    assert (by_header.status, by_body.status) == (202, 202)
    assert cancelled(stage) == []
    stage.server.gate.set()
    await call


@pytest.mark.parametrize(
    "body",
    [
        b'{"jsonrpc":"2.0","id":4,"result":{"action":"accept"}}',
        b'{"jsonrpc":"2.0","id":"x","error":{"code":-1,"message":"no"}}',
        b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1}}',
    ],
)
async def test_nothing_goes_on_that_answers_a_request_of_the_server(stage, body):
    before = len(stage.server.seen)

    answer = await stage.post(body, LEGACY)

    assert (answer.status, answer.body) == (202, b"")
    assert len(stage.server.seen) == before


@pytest.mark.parametrize(
    ("method", "headers", "said"),
    [
        ("GET", {"Last-Event-ID": "7"}, "`Last-Event-ID` takes up a stream of a session"),
        ("DELETE", {}, "names no session"),
    ],
)
async def test_no_stream_is_taken_up_and_no_session_ended(stage, method, headers, said):
    before = len(stage.server.seen)
    own = {"Authorization": f"Bearer {CI_BOT}", **LEGACY}

    async with stage.http.request(
        method, f"{stage.url}/mcp/files", headers=own | headers
    ) as answer:
        told = await answer.json()

    assert (answer.status, told["error"]["code"]) == (400, -32600)
    assert said in told["error"]["message"]
    assert len(stage.server.seen) == before


async def test_a_request_takes_up_no_stream_either(stage):
    body = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'

    await stage.post(body, LEGACY | {"Last-Event-ID": "7"})

    assert stage.server.seen[-1][2] == body
    assert "Last-Event-ID" not in stage.server.seen[-1][1]


@pytest.mark.parametrize("legacy", [True, False])
async def test_a_stream_that_nobody_can_take_up_ends_with_an_error(stage, legacy):
    async def early(_message, _request):
        return web.Response(body=b"id: 7\ndata: \n\n", content_type="text/event-stream")

    stage.server.reply = early

    answer = await stage.call("read_file", legacy=legacy)

    assert b"-31007" in answer.body
    assert (await stage.ended())[0].outcome == "failed"
