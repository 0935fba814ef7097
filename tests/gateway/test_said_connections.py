"""What a caller says of its connection is heeded, and keeps no library from the shorter way."""

import asyncio
import http.client
import re
import urllib.request

import aiohttp
import httpx2
import pytest
from aiohttp import web
from lane_stage import PLAIN, serving

from gateway.callers.event_writers import event_writer
from gateway.callers.fast_lane import WholeRequest
from gateway.callers.plain_requests import PlainReader
from gateway.callers.whole_answers import for_aiohttp, in_json
from gateway.wire.known_heads import KnownHeads

KEPT = ("keep-alive", "Keep-Alive", " keep-alive\t")
LAST = ("close", "Close")
ODD = ("upgrade", "keep-alive, X-Said", "close, X-Said", "te", "")
BODY = b'{"jsonrpc": "2.0"}'
JSON = {"Content-Type": "application/json"}


def saying(*connections):
    """Return a request with such headers."""
    fields = "".join(f"Connection: {each}\r\n" for each in connections)
    return PLAIN.replace(b"X-Said", fields.encode() + b"X-Said")


async def said(http, server):
    """Answer with what was asked."""
    body = http.body if isinstance(http, WholeRequest) else await http.read()
    return web.json_response({"server": server, "headers": dict(http.headers), "body": str(body)})


async def everything(port, *requests):
    """Return all answers on a connection that the server ends, their dates left out.

    Each request is sent once the one before it was answered.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    got = b""
    async with asyncio.timeout(30):
        for number, sent in enumerate(requests, 1):
            writer.write(sent)
            while number < len(requests) and got.count(b"hello") < number:
                got += await reader.read(4096)
        got += await reader.read()
    writer.close()
    return re.sub(rb"Date: [^\r]*\r\n", b"", got)


def parted(got):
    """Return the lines of answers; the order of headers says nothing."""
    return sorted(got.split(b"\r\n"))


@pytest.mark.parametrize("connection", KEPT)
async def test_a_connection_that_is_to_stay_stays_on_the_shorter_way(connection):
    sent = saying(connection), saying(connection), saying("close")

    async with serving(said) as (short, lanes), serving(said, lane=False) as (long, _):
        mine, theirs = await everything(short, *sent), await everything(long, *sent)

        assert lanes[0]._request_count == 0
    assert mine.count(b"HTTP/1.1 200 OK") == 3
    assert parted(mine) == parted(theirs)


@pytest.mark.parametrize("connection", LAST)
async def test_a_connection_that_is_to_end_ends_after_the_answer(connection):
    sent = saying(connection)

    async with serving(said) as (short, lanes), serving(said, lane=False) as (long, _):
        mine, theirs = await everything(short, sent), await everything(long, sent)

        assert lanes[0]._request_count == 0
    assert b"\r\nConnection: close\r\n" in mine
    assert parted(mine) == parted(theirs)


@pytest.mark.parametrize("more", [PLAIN, b"x"])
async def test_nothing_is_asked_after_what_was_to_be_the_last(more):
    asked = []

    async def noted(http, server):
        asked.append(1)
        return await said(http, server)

    async with serving(noted) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(saying("close"))
        await asyncio.wait_for(reader.readuntil(b"hello"), 30)
        writer.write(more)
        rest = await asyncio.wait_for(reader.read(), 30)
        writer.close()

    assert asked == [1]
    assert b"HTTP/1.1" not in rest


async def test_what_comes_together_with_the_last_is_refused_as_by_aiohttp():
    sent = saying("close") + PLAIN

    async with serving(said) as (short, _), serving(said, lane=False) as (long, _):
        mine, theirs = await everything(short, sent), await everything(long, sent)

    assert b" 400 Bad Request\r\n" in mine
    assert parted(mine) == parted(theirs)


@pytest.mark.parametrize("connection", LAST)
async def test_a_connection_ends_after_an_answer_that_aiohttp_has_to_write(connection):
    async def nothing(_http, _server):
        return web.Response(status=204)

    async with serving(nothing) as (short, _), serving(nothing, lane=False) as (long, _):
        sent = saying(connection)
        assert parted(await everything(short, sent)) == parted(await everything(long, sent))


async def test_a_connection_ends_after_an_answer_that_is_sent_at_once():
    async def at_once(http, _server):
        reply = in_json(b'{"hello": 1}')
        return reply if isinstance(http, WholeRequest) else for_aiohttp(reply)

    async with serving(at_once) as (short, lanes), serving(at_once, lane=False) as (long, _):
        sent = saying("close")
        mine, theirs = await everything(short, sent), await everything(long, sent)

        assert lanes[0]._request_count == 0
    assert b"\r\nConnection: close\r\n" in mine
    assert parted(mine) == parted(theirs)


async def test_a_connection_ends_after_a_stream_as_with_aiohttp():
    async def streaming(http, _server):
        writer = event_writer(http)
        await writer.begin()
        await writer.write(b"data: 1\n\n")
        await writer.end()
        return writer.reply

    async with serving(streaming) as (short, lanes), serving(streaming, lane=False) as (long, _):
        mine, theirs = (
            await everything(short, saying("close")),
            await everything(long, saying("close")),
        )

        assert lanes[0]._request_count == 0
    assert mine.endswith(b"\r\n0\r\n\r\n")
    assert parted(mine) == parted(theirs)


@pytest.mark.parametrize("connection", ODD)
async def test_whatever_else_is_said_of_a_connection_is_for_aiohttp_to_heed(connection):
    sent = saying(connection, "close")

    async with serving(said) as (short, lanes), serving(said, lane=False) as (long, _):
        mine, theirs = await everything(short, sent), await everything(long, sent)

        assert lanes[0]._request_count > 0
    assert parted(mine) == parted(theirs)


async def by_aiohttp(url):
    async with aiohttp.ClientSession() as session, session.post(url, data=BODY, headers=JSON):
        pass


async def by_aiohttp_once(url):
    connector = aiohttp.TCPConnector(force_close=True)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.post(url, data=BODY, headers=JSON),
    ):
        pass


async def by_httpx(url):
    async with httpx2.AsyncClient() as client:
        await client.post(url, content=BODY, headers=JSON)


async def by_urllib(url):
    def post():
        request = urllib.request.Request(url, data=BODY, headers=JSON)  # noqa: S310 (http to loopback)
        urllib.request.urlopen(request).close()  # noqa: S310

    await asyncio.to_thread(post)


async def by_http_client(url):
    def post():
        connection = http.client.HTTPConnection(url.split("/")[2])
        connection.request("POST", "/mcp/files", BODY, JSON)
        connection.getresponse().read()
        connection.close()

    await asyncio.to_thread(post)


@pytest.mark.parametrize("post", [by_aiohttp, by_aiohttp_once, by_httpx, by_urllib, by_http_client])
async def test_what_libraries_send_by_themselves_is_plain(post):
    async with serving(said) as (port, lanes):
        await post(f"http://127.0.0.1:{port}/mcp/files")

        assert [lane._request_count for lane in lanes] == [0]


def test_what_node_sends_by_itself_is_plain():
    sent = (
        b"POST /mcp/files HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: keep-alive\r\n"
        b"accept: application/json, text/event-stream\r\ncontent-type: application/json\r\n"
        b"accept-language: *\r\nsec-fetch-mode: cors\r\nuser-agent: node\r\n"
        b"accept-encoding: gzip, deflate\r\ncontent-length: 18\r\n\r\n"
    )

    found = PlainReader(KnownHeads()).feed(sent + BODY)

    assert found is not None
    assert found.body == BODY
    assert not found.head.closes
