"""Plain requests take a shorter way through HTTP, and nobody can tell it from aiohttp's."""

import asyncio
import contextlib
import gc
import re
import weakref

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lane_stage import PLAIN, serving

from gateway.callers.fast_lane import WholeRequest
from gateway.callers.plain_requests import LARGEST, NotPlain, PlainReader
from gateway.wire.known_heads import KnownHeads

ODD = {
    "get": b"GET /mcp/files HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "old": PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0"),
    "closing": PLAIN.replace(b"X-Said", b"Connection: close\r\nX-Said"),
    "chunked": PLAIN.replace(b"Content-Length: 5\r\n\r\nhello", b"")
    + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "expecting": PLAIN.replace(b"X-Said", b"Expect: 100-continue\r\nX-Said"),
    "of a page": PLAIN.replace(b"X-Said", b"Origin: http://localhost\r\nX-Said"),
    "query": PLAIN.replace(b"/mcp/files", b"/mcp/files?a=b"),
    "escaped": PLAIN.replace(b"/mcp/files", b"/mcp/%66iles"),
    "elsewhere": PLAIN.replace(b"/mcp/files", b"/other"),
    "absolute": PLAIN.replace(b"/mcp/files", b"http://localhost/mcp/files"),
    "large": PLAIN.replace(b"5\r\n\r\nhello", b"20000\r\n\r\n" + b"x" * 20000),
    "two lengths": PLAIN.replace(b"X-Said", b"Content-Length: 4\r\nX-Said"),
    "both lengths": PLAIN.replace(b"X-Said", b"Transfer-Encoding: chunked\r\nX-Said"),
    "signed length": PLAIN.replace(b"Length: 5", b"Length: +5"),
    "spaced name": PLAIN.replace(b"X-Said:", b"X-Said :"),
    "folded": PLAIN.replace(b"X-Said: ", b"X-Said:\r\n "),
    "bare feeds": PLAIN.replace(b"\r\n", b"\n"),
    "nul": PLAIN.replace(b"X-Said: ", b"X-Said: \0"),
    "many headers": PLAIN.replace(b"X-Said", b"A: b\r\n" * 100 + b"X-Said"),
    "long header": PLAIN.replace(b"X-Said: ", b"X-Said: " + b"x" * 8191),
    "nearly long header": PLAIN.replace(b"X-Said", b"A: " + b"x" * 8190 + b"\r\nX-Said"),
    "long name": PLAIN.replace(b"X-Said", b"X" * 8191),
    "long target": PLAIN.replace(b"/mcp/files", b"/mcp/" + b"x" * 8190),
    "garbage": b"\x16\x03\x01\x02\x00",
}


async def said(http, server="files"):
    """Answer what the caller said."""
    body = http.body if isinstance(http, WholeRequest) else await http.read()
    text = f"{http.method} {server} {dict(http.headers)} {body[:50]} {http.content_length}"
    return web.Response(text=text, headers={"X-More": "a"})


async def answered(port, chunks, answers=1):
    """Send chunks one by one, and return the bytes of so many answers, the date left out."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for chunk in chunks:
        writer.write(chunk)
        await asyncio.sleep(0)
    got = b""
    with contextlib.suppress(TimeoutError, asyncio.IncompleteReadError):
        for _ in range(answers):
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
            length = re.search(rb"Content-Length: (\d+)", head)
            got += head + await reader.readexactly(int(length[1]) if length else 0)
    writer.close()
    return re.sub(rb"Date: [^\r]*\r\n", b"", got)


def unordered(answer):
    """Return the lines of an answer; the order of headers says nothing."""
    return sorted(answer.split(b"\r\n"))


async def test_a_plain_request_is_answered_as_aiohttp_answers_it():
    async with serving(said) as (short, lanes), serving(said, lane=False) as (long, _):
        mine, theirs = await answered(short, [PLAIN]), await answered(long, [PLAIN])

        assert lanes[0]._request_count == 0
    assert unordered(mine) == unordered(theirs)
    assert b"POST files" in mine


@pytest.mark.parametrize("odd", ODD)
async def test_what_is_not_plain_is_aiohttps_with_every_byte(odd):
    async with serving(said) as (short, _), serving(said, lane=False) as (long, _):
        mine, theirs = await answered(short, [ODD[odd]]), await answered(long, [ODD[odd]])

    assert unordered(mine) == unordered(theirs)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=st.lists(st.integers(1, 3 * len(PLAIN) - 1), max_size=6, unique=True),
    odd=st.sampled_from([b"", ODD["get"], ODD["chunked"], ODD["large"], ODD["closing"]]),
)
async def test_requests_are_answered_in_order_wherever_the_bytes_are_parted(places, odd):
    sent = PLAIN * 3 + odd
    parted = [sent[a:b] for a, b in zip([0, *sorted(places)], [*sorted(places), None], strict=True)]

    async with serving(said) as (port, _):
        got = await answered(port, parted, answers=3)

    assert got.count(b"HTTP/1.1 200 OK") == 3
    assert got.count(b"POST files") == 3


@given(st.binary(max_size=200), st.integers(0, len(PLAIN)))
def test_a_reader_of_hostile_bytes_says_plain_or_not(noise, at):
    reader = PlainReader(KnownHeads())

    with contextlib.suppress(NotPlain):
        found = reader.feed(PLAIN[:at] + noise + PLAIN[at:])
        assert found is None or len(found.body) <= LARGEST


async def test_what_is_sent_while_a_request_is_under_way_waits_for_its_turn():
    gate, under_way = asyncio.Event(), []

    async def slow(http, server):
        under_way.append(http.body if isinstance(http, WholeRequest) else await http.read())
        await gate.wait()
        return await said(http, server)

    async with serving(slow) as (port, _):
        answers = asyncio.create_task(answered(port, [PLAIN, PLAIN.replace(b"hello", b"again")], 2))
        while not under_way:
            await asyncio.sleep(0.001)

        at_once = list(under_way)
        gate.set()
        got = await answers

    assert at_once == [b"hello"]
    assert got.index(b"b'hello'") < got.index(b"b'again'")


async def test_what_comes_as_an_answer_is_sent_waits_behind_what_came_before():
    loop, asked = asyncio.get_running_loop(), []

    async def crossed(http, server):
        asked.append(http.body)
        if len(asked) == 1:
            lanes[0].data_received(PLAIN.replace(b"hello", b"again"))
            third = PLAIN.replace(b"hello", b"third")  # uvloop reads before what is to come soon
            loop.call_soon(lanes[0].data_received, third)
        return await said(http, server)

    async with serving(crossed) as (port, lanes):
        got = await answered(port, [PLAIN], answers=3)

    assert asked == [b"hello", b"again", b"third"]
    assert got.count(b"HTTP/1.1 200 OK") == 3


async def test_a_caller_that_goes_away_cancels_its_request():
    cancelled = asyncio.Event()

    async def endless(_http, _server):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with serving(endless) as (port, lanes):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(PLAIN)
        while not (lanes and lanes[0]._asking):
            await asyncio.sleep(0.001)
        writer.close()

        await asyncio.wait_for(cancelled.wait(), 60)


async def test_nothing_goes_on_after_a_caller_went_away_whatever_becomes_of_its_cancellation():
    async def stubborn(http, server):
        if http.body == b"stays":
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        return await said(http, server)

    async with serving(stubborn) as (port, lanes):
        await answered(port, [PLAIN])
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(PLAIN.replace(b"hello", b"stays"))
        while len(lanes) < 2 or not lanes[1]._asking:
            await asyncio.sleep(0.001)
        writer.close()

        await asyncio.wait_for(asyncio.wait([lane._serving for lane in lanes]), 30)


async def test_what_comes_on_a_connection_that_was_ended_is_not_asked_and_no_error():
    asked, errors = [], []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: errors.append(context))

    async def failing(http, server):
        asked.append(http.body)
        if len(asked) == 1:
            return await said(http, server)
        loop.call_soon(lanes[0].data_received, PLAIN)
        raise ConnectionError

    async with serving(failing) as (port, lanes):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(PLAIN)
        await asyncio.wait_for(reader.readuntil(b"hello"), 30)
        writer.write(PLAIN)
        await asyncio.wait_for(reader.read(), 30)
        writer.close()

    assert asked == [b"hello", b"hello"]
    assert errors == []


async def test_a_connection_that_rests_keeps_nothing_of_its_last_request():
    asked = []

    async def noting(http, server):
        asked.append(weakref.ref(http))
        return await said(http, server)

    async with serving(noting) as (port, lanes):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(PLAIN)
        await asyncio.wait_for(reader.readuntil(b"hello"), 30)
        while not lanes[0]._resting:
            await asyncio.sleep(0.001)
        gc.collect()

        kept = [each() for each in asked], lanes[0]._serving.get_coro().cr_frame.f_locals
        writer.close()

    assert kept[0] == [None]
    assert set(kept[1]) <= {"self", "stays"}


async def test_a_request_is_all_that_aiohttp_makes_of_one_where_somebody_looks():
    async def seen(http, server):
        text = f"{http.remote} {http.host} {http.path} {http.query_string!r} {server}"
        text += f" {http.version} {http.keep_alive} {len(http)}"
        return web.Response(text=text)

    async with serving(seen) as (port, _), serving(seen, lane=False) as (other, _):
        found, expected = await answered(port, [PLAIN]), await answered(other, [PLAIN])

    assert b"127.0.0.1 localhost /mcp/files '' files HttpVersion(major=1, minor=1)" in found
    assert found == expected


@pytest.mark.parametrize("made", [False, True], ids=["short", "made"])
async def test_a_request_that_rested_says_what_it_said_before(made):
    async def rested(http, server):
        if made:
            assert http.remote
        before = dict(http.headers), http.content_type, http.content_length, http.path
        http.rest()
        http.rest()
        kept = {"_message", "_headers", "_cache"} & http.__dict__.keys()
        after = dict(http.headers), http.content_type, http.content_length, http.path
        return web.Response(text=f"{before == after} {kept} {after[0]['X-Said']} {after[1:]}")

    async with serving(rested) as (port, _):
        answer = await answered(port, [PLAIN])

    assert answer.endswith("True set() ä ('application/json', 5, '/mcp/files')".encode())


async def test_a_connection_that_is_to_close_answers_first():
    gate = asyncio.Event()

    async def slow(http, server):
        await gate.wait()
        return await said(http, server)

    async with serving(slow) as (port, lanes):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(PLAIN)
        while not (lanes and lanes[0]._asking):
            await asyncio.sleep(0.001)
        lanes[0].close()
        gate.set()

        got = await asyncio.wait_for(reader.read(), 60)
        writer.close()

    assert got.startswith(b"HTTP/1.1 200 OK")
    assert b"POST files" in got


async def test_an_answer_that_streams_comes_in_pieces():
    async def streaming(http, _server):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(http)
        await response.write(b"data: 1\n\n")
        await response.write(b"data: 2\n\n")
        return response

    async with serving(streaming) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(PLAIN)
        got = await asyncio.wait_for(reader.readuntil(b"\r\n0\r\n\r\n"), 60)
        writer.write(PLAIN)
        again = await asyncio.wait_for(reader.readuntil(b"\r\n0\r\n\r\n"), 60)
        writer.close()

    assert got.endswith(b"9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n")
    assert again.startswith(b"HTTP/1.1 200 OK")


async def test_an_answer_whose_headers_would_be_two_is_not_sent():
    async def forged(_http, _server):
        return web.Response(body=b"x", headers={"X-Forged": "a\r\nX-Other: b"})

    async with serving(forged) as (port, _):
        got = await answered(port, [PLAIN])

    assert got == b""
