"""A caller that leaves is noticed whatever it sent before, and what it sends is bounded."""

import asyncio
import contextlib
import itertools
import json

import pytest
from aiohttp import web
from gateway_stage import CI_BOT, staged, until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lane_stage import PLAIN, serving

from gateway.callers.fast_lane import WholeRequest

PAGE = PLAIN.replace(b"X-Said", b"Origin: http://localhost\r\nX-Said")
UPGRADE = PLAIN.replace(b"X-Said", b"Connection: upgrade\r\nUpgrade: websocket\r\nX-Said")
WAYS = {"short": PLAIN, "long": PAGE, "upgrade": UPGRADE}


def sized(size: int, request: bytes = PAGE) -> bytes:
    """Return a request whose body has so many bytes."""
    return request.replace(b"5\r\n\r\nhello", b"%d\r\n\r\n" % size + b"x" * size)


BEHIND = {
    "nothing": b"",
    "a request": PLAIN,
    "more requests than aiohttp takes": PAGE * 100,
    "a large body": sized(60_000),
}


class Endless:
    """Answers nothing, and knows when it need not."""

    def __init__(self):
        self.asked, self.cancelled = [], []

    async def __call__(self, http, _server):
        self.asked.append(http)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.append(http)
            raise

    async def wait_for(self, what):
        async with asyncio.timeout(30):
            while not what:
                await asyncio.sleep(0.001)


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "later"])
@pytest.mark.parametrize("behind", BEHIND)
@pytest.mark.parametrize("way", WAYS)
async def test_a_caller_that_leaves_is_noticed_whatever_it_sent_behind_its_request(
    way, behind, at_once
):
    endless = Endless()
    async with serving(endless) as (port, lanes):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(WAYS[way] + (BEHIND[behind] if at_once else b""))
        await endless.wait_for(endless.asked)
        if not at_once:
            writer.write(BEHIND[behind])
            await writer.drain()
            await asyncio.sleep(0.05)  # for what must not stop the reading
        assert endless.cancelled == []

        writer.close()

        await endless.wait_for(endless.cancelled)
    assert len(endless.asked) == 1
    assert lanes[0].transport is None


@pytest.mark.parametrize("way", WAYS)
async def test_whoever_sends_too_much_behind_a_request_loses_the_connection(way):
    endless = Endless()
    async with serving(endless) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(WAYS[way])
        await endless.wait_for(endless.asked)

        writer.write(PAGE * 1000)

        await endless.wait_for(endless.cancelled)
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
    assert len(endless.asked) == 1


async def test_a_held_call_of_a_caller_that_left_does_not_run_once_approved(sqlite_url):
    params = {"name": "write_file", "arguments": {"path": "a"}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    body = json.dumps(message).encode()
    head = (
        f"POST /mcp/files HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {CI_BOT}\r\n"
        f"Content-Type: application/json\r\nTE: trailers\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    async with staged(sqlite_url, hold="1m") as stage:
        _, writer = await asyncio.open_connection("127.0.0.1", int(stage.url.split(":")[-1]))
        writer.write((head + body) * 100)
        (approval,) = await stage.pending()

        writer.close()

        async def gone():
            return not stage.gateway._runner.connections

        await until(gone)
        await stage.decide(approval.id)
        assert stage.server.calls() == []
        assert "ApprovalDispatched" not in await stage.topics()


async def test_a_body_that_nobody_takes_yet_is_not_read_on():
    gate, asked = asyncio.Event(), []

    async def slow(http, _server):
        asked.append(http)
        await gate.wait()
        return web.Response(text=str(len(await http.read())))

    async with serving(slow) as (port, lanes):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sized(900_000))

        async with asyncio.timeout(30):
            while not lanes or not asked or lanes[0].transport.is_reading():
                await asyncio.sleep(0.001)
        gate.set()
        answer = await asyncio.wait_for(reader.readuntil(b"900000"), 30)
        writer.close()

    assert answer.endswith(b"\r\n\r\n900000")


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    kinds=st.lists(st.sampled_from(["small", "large", "chunks", "upgrade"]), max_size=60),
    places=st.lists(st.integers(1, 50_000), max_size=30, unique=True),
    turns=st.integers(0, 3),
)
async def test_all_requests_are_answered_in_order_wherever_the_bytes_are_parted(
    kinds, places, turns
):
    def numbered(kind, number):
        name = b"X-Said: %d." % number
        if kind == "large":
            return sized(700).replace(b"X-Said: ", name)
        if kind == "upgrade":
            return UPGRADE.replace(b"X-Said: ", name)
        if kind == "chunks":
            chunks = b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
            return PLAIN.replace(b"Content-Length: 5\r\n\r\nhello", chunks).replace(
                b"X-Said: ", name
            )
        return PAGE.replace(b"X-Said: ", name)

    async def said(http, _server):
        body = http.body if isinstance(http, WholeRequest) else await http.read()
        for _ in range(turns):
            await asyncio.sleep(0)
        return web.Response(text=f"{http.headers['X-Said'].split('.')[0]} {len(body)} end")

    sent = b"".join(numbered(kind, number) for number, kind in enumerate(kinds))
    cuts = [0, *sorted(place for place in places if place < len(sent)), len(sent)]
    async with serving(said) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for begin, end in itertools.pairwise(cuts):
            writer.write(sent[begin:end])
            await asyncio.sleep(0)

        for number, kind in enumerate(kinds):
            size = 700 if kind == "large" else 5
            got = await asyncio.wait_for(reader.readuntil(b" end"), 30)
            assert got.endswith(b"\r\n\r\n%d %d end" % (number, size))
        writer.close()
