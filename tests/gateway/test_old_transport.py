"""A server that speaks only HTTP+SSE of 2024-11-05 is said to be that, until it is another."""

import asyncio
import contextlib
import json

import pytest
from aiohttp import web
from gateway_stage import CI_BOT, META, RawServer, modern_headers, staged, until
from raw_upstream import raw_upstream

from gateway.servers.http_upstream import HttpUpstream
from gateway.servers.old_transport import OldTransport, without_endpoint
from gateway.tools.conversations import Conversation
from gateway.upstreams import UpstreamAnswer, UpstreamFailed

SAID = (
    "the server `files` speaks only HTTP+SSE of 2024-11-05, which Placet does not:"
    " put mcp-remote or mcp-proxy before it, as a `command`"
)
ENDPOINT = b"event: endpoint\r\ndata: /messages/?session_id=1\r\n\r\n"
EVENT = b'data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n'
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
KEY = {"Authorization": f"Bearer {CI_BOT}"}


class OldServer(RawServer):
    """Begins as servers of 2024-11-05 did for as long as it is `old`, then is as others are."""

    refuses = 405

    def __init__(self):
        super().__init__()
        self.old = True

    async def _answered(self, request):
        if not self.old:
            return await super()._answered(request)
        if request.method != "GET":
            return web.Response(status=self.refuses, text="not here")
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        await stream.write(ENDPOINT)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return stream


@pytest.fixture
async def server():
    serving = OldServer()
    await serving.start()
    yield serving
    await serving.close()


@pytest.fixture
async def stage(server, sqlite_url):
    async with staged(sqlite_url, server=server, known=False) as opened:
        yield opened


async def found_out(stage):
    async def said():
        return stage.gateway.troubles() == [SAID]

    await until(said)


def asking(method, params=None, *, modern=False):
    params = {**(params or {}), **({"_meta": META} if modern else {})}
    return json.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).encode()


@pytest.mark.parametrize("refuses", [400, 404, 405])
async def test_a_server_of_the_old_transport_is_said_to_be_that(server, sqlite_url, refuses):
    server.refuses = refuses

    async with staged(sqlite_url, server=server, known=False) as stage:
        await found_out(stage)


async def test_every_request_is_answered_with_what_to_do(stage):
    await found_out(stage)
    initialize = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}}

    answers = [
        await stage.post(asking("initialize", initialize)),
        await stage.post(asking("server/discover", modern=True), modern_headers("server/discover")),
        await stage.post(asking("tools/list"), {"MCP-Protocol-Version": "2025-11-25"}),
    ]
    async with stage.http.get(f"{stage.url}/mcp/files", headers=KEY) as opened:
        listening = await opened.json()

    assert [answer.status for answer in answers] == [502] * 3
    assert [answer.json["id"] for answer in answers] == [7] * 3
    assert [answer.error for answer in answers] == [{"code": -31007, "message": SAID}] * 3
    assert (opened.status, listening["error"]) == (502, {"code": -31007, "message": SAID})


async def test_a_call_is_not_told_to_be_made_again(stage):
    await found_out(stage)

    answer = await stage.call("read_file")

    assert answer.error == {"code": -31007, "message": f"{SAID}; nothing was executed"}
    assert "Retry-After" not in answer.headers


async def test_another_server_in_its_place_is_used(stage, server):
    await found_out(stage)

    server.old = False

    async def used():
        return stage.gateway.troubles() == []

    await until(used)
    assert (await stage.call("read_file")).text == "done: read_file"


async def test_a_server_that_has_become_one_is_found_out_at_once_by_who_introduces_itself(
    server, sqlite_url
):
    server.old = False
    async with staged(sqlite_url, server=server) as stage:
        server.old = True

        answer = await stage.post(asking("initialize", {"protocolVersion": "2025-11-25"}))
        async with stage.http.get(f"{stage.url}/mcp/files", headers=KEY) as opened:
            heard = b""
            with contextlib.suppress(Exception):
                heard += await opened.content.read()

        assert (answer.status, answer.error["message"]) == (502, SAID)
        assert heard == b""


async def test_a_server_that_merely_has_no_such_path_is_not_taken_for_one():
    async def answer(wire):
        if raw.requests[-1].startswith(b"GET"):
            await wire.say(STREAM + b"%x\r\n%b\r\n" % (len(EVENT), EVENT))
        else:
            await wire.say(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone")

    async with raw_upstream() as (raw, url):
        raw.answer = answer
        upstream = HttpUpstream("raw", url, {})
        await upstream.start()
        with pytest.raises(
            UpstreamFailed, match=r"answers neither .* \(HTTP status 404\)$"
        ) as failed:
            await Conversation("raw", upstream).open()
        await upstream.close()

    assert not isinstance(failed.value, OldTransport)


async def stream(*chunks):
    for chunk in chunks:
        yield chunk


def opened(*chunks):
    headers = {"Content-Type": "text/event-stream"}
    return without_endpoint(UpstreamAnswer(200, headers, stream=stream(*chunks)), "files").stream


@pytest.mark.parametrize("begin", [b"", b": hello\n\n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("cut", [1, 8, 17, 30, 48, 49, 50])
async def test_nothing_of_the_event_that_names_an_endpoint_passes(begin, cut):
    whole = begin + ENDPOINT
    passing, passed = opened(whole[:cut], whole[cut:]), []

    async def hear():
        while True:
            passed.append(await anext(passing))

    with pytest.raises(OldTransport):
        await hear()

    assert begin.startswith(b"".join(passed))


@pytest.mark.parametrize(
    "events",
    [
        EVENT + ENDPOINT,
        b": ping\n\n: ping\n\n",
        b"id: 1\ndata:\n\n" + EVENT,
        b'event: message\ndata: "event: endpoint"\n\n',
        b"data: half",
        b"",
    ],
)
async def test_other_streams_pass_as_they_are(events):
    for size in (1, 7, 1000):
        pieces = [events[at : at + size] for at in range(0, len(events), size)]

        assert b"".join([chunk async for chunk in opened(*pieces)]) == events


async def test_comments_before_the_first_event_are_not_held_back():
    passing = opened(b": ping\n\n", EVENT)

    assert await anext(passing) == b": ping\n\n"
    await passing.aclose()
