"""A stream of events on a fast lane is aiohttp's to the byte, without a request of aiohttp's."""

import asyncio
import contextlib
import re

import pytest
from lane_stage import PLAIN, serving

from gateway.callers.event_writers import event_writer
from gateway.callers.whole_answers import SENT

WAYS = pytest.mark.parametrize("lane", [True, False], ids=["lane", "aiohttp"])
END = b"\r\n0\r\n\r\n"
LARGE = b"x" * 3000
PIECE = b"x" * 65536
MANY = 400


@contextlib.asynccontextmanager
async def calling(answer, *, lane=True):
    """Serve, and give a connection on which one request was sent."""
    async with serving(answer, lane=lane) as (port, _), asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**16)
        writer.write(PLAIN)
        try:
            yield reader, writer
        finally:
            writer.close()


async def all_of(reader):
    """Read to the end of the answer; return how many bytes of pieces were in it."""
    await reader.readuntil(b"\r\n\r\n")
    got, last = 0, b""
    while not last.endswith(END):
        piece = await reader.read(2**16)
        assert piece, "the answer has an end"
        got += piece.count(b"x")
        last = last[-len(END) :] + piece
    return got


async def spoken(http, _server):
    """Answer with pieces of all sizes."""
    writer = event_writer(http)
    await writer.begin()
    for piece in (b": here\n\n", b"", b"data: 1\n\n", LARGE):
        await writer.write(piece)
    await writer.end()
    return writer.reply


async def test_what_a_lane_sends_is_what_aiohttp_sends_and_the_connection_stays():
    got = {}
    for lane in (True, False):
        async with calling(spoken, lane=lane) as (reader, writer):
            first = await reader.readuntil(END)
            writer.write(PLAIN)
            got[lane] = first, await reader.readuntil(END)

    dated = re.compile(rb"Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n")
    parted = {lane: [dated.split(answer) for answer in answers] for lane, answers in got.items()}
    assert parted[True] == parted[False]
    head, rest = parted[True][0]
    assert head == (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
        b"X-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n"
    )
    assert rest == (
        b"\r\n8\r\n: here\n\n\r\n9\r\ndata: 1\n\n\r\nbb8\r\n" + LARGE + b"\r\n0\r\n\r\n"
    )


async def test_nothing_of_aiohttps_is_made_of_a_request_for_it():
    asked = []

    async def noted(http, server):
        reply = await spoken(http, server)
        asked.append((reply, "_protocol" in vars(http)))
        return reply

    async with calling(noted) as (reader, _):
        await reader.readuntil(END)

    assert asked == [(SENT, False)]


@WAYS
async def test_a_caller_that_takes_nothing_is_waited_for(lane):
    written = []

    async def flooding(http, _server):
        writer = event_writer(http)
        await writer.begin()
        for _ in range(MANY):
            await writer.write(PIECE)
            written.append(1)
        await writer.end()
        return writer.reply

    async with calling(flooding, lane=lane) as (reader, _):
        while not written:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.2)
        before = len(written)
        taken = await all_of(reader)

    assert before < MANY
    assert taken == MANY * len(PIECE)


@WAYS
async def test_signs_of_life_are_left_out_for_a_caller_that_takes_none(lane):
    said = asyncio.Event()

    async def talking(http, _server):
        writer = event_writer(http)
        await writer.begin()
        for _ in range(MANY):
            writer.say(PIECE)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        writer.hush()
        said.set()
        await writer.end()
        return writer.reply

    async with calling(talking, lane=lane) as (reader, _):
        await said.wait()
        taken = await all_of(reader)

    assert 0 < taken < MANY * len(PIECE)
    assert taken % len(PIECE) == 0


@WAYS
async def test_a_caller_that_is_gone_is_an_error_to_writers_and_none_to_signs_of_life(lane):
    found, done = [], asyncio.Event()

    async def alone(http, _server):
        writer = event_writer(http)
        await writer.begin()
        writer.cut()
        writer.say(b": here\n\n")
        for step in (writer.write(b"data: 1\n\n"), writer.end()):
            try:
                await step
            except ConnectionError:
                found.append(1)
        done.set()
        return writer.reply

    async with calling(alone, lane=lane) as (reader, _):
        with contextlib.suppress(ConnectionError):
            assert END not in await reader.read()
        await done.wait()

    assert found == [1, 1]


async def test_what_was_to_be_said_is_left_out_once_hushed_and_not_what_is_said_then():
    async def hushed(http, _server):
        writer = event_writer(http)
        await writer.begin()
        writer.say(b": here\n\n")
        writer.hush()
        writer.say(b": now\n\n")
        await asyncio.sleep(0)
        await writer.write(b"data: 1\n\n")
        await writer.end()
        return writer.reply

    async with calling(hushed, lane=False) as (reader, _):
        got = await reader.readuntil(END)

    assert got.endswith(b"\r\n\r\n7\r\n: now\n\n\r\n9\r\ndata: 1\n\n\r\n0\r\n\r\n")
