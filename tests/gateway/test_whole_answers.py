"""Whole answers are written as aiohttp writes them, whatever they hold."""

import asyncio
import re

import pytest
from aiohttp import web
from multidict import CIMultiDict

from gateway.callers.whole_answers import AnswerWriter, WholeAnswer, for_aiohttp, in_json


async def by_aiohttp(answer):
    """Return the bytes with which aiohttp answers any request, the date left out."""

    async def answering(_):
        return for_aiohttp(answer)

    server = await asyncio.get_running_loop().create_server(web.Server(answering), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    got = await reader.read()
    writer.close()
    server.close()
    return got.replace(b"Connection: close\r\n", b"")


def unordered(got):
    """Return the lines of an answer without date and program; their order says nothing."""
    return sorted(re.sub(rb"(Date|Server): [^\r]*\r\n", b"", got).split(b"\r\n"))


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, {"Content-Type": "application/json", "Mcp-Session-Id": "ä"}, b"{}"),
        (202, {"Content-Type": "text/plain"}, b""),
        (404, [("Content-Type", "a/b"), ("Mcp-A", "1"), ("mcp-a", "2")], b"\r\n\0\xff"),
    ],
)
async def test_a_whole_answer_is_what_aiohttp_would_have_sent(status, headers, body):
    answer = WholeAnswer(status, CIMultiDict(headers), body)

    written = AnswerWriter().written(answer)

    assert unordered(written) == unordered(await by_aiohttp(answer))


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (204, {"Content-Type": "a/b"}),
        (304, {"Content-Type": "a/b"}),
        (299, {"Content-Type": "a/b"}),
        (200, {}),
        (200, {"Content-Type": "a/b", "Mcp-A": "1\r\nMcp-B: 2"}),
        (200, {"Content-Type": "a/b", "Mcp-A": "1\0"}),
        (200, {"Content-Type": "a/b", "Mcp A": "1"}),
    ],
)
def test_what_needs_thought_is_left_to_aiohttp(status, headers):
    assert AnswerWriter().written(WholeAnswer(status, CIMultiDict(headers), b"x")) is None


def test_answers_that_begin_alike_differ_in_all_else():
    writer, headers = AnswerWriter(), CIMultiDict({"Content-Type": "a/b"})

    first = writer.written(WholeAnswer(200, headers, b"one"))
    second = writer.written(WholeAnswer(404, headers, b"three"))

    assert first.startswith(b"HTTP/1.1 200 OK\r\n")
    assert first.endswith(b"\r\n\r\none")
    assert second.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert b"Content-Length: 5\r\n" in second


def test_nobody_sets_how_an_answer_is_framed_but_its_writer():
    headers = CIMultiDict({"Content-Type": "a/b", "Content-Length": "9", "Connection": "close"})

    written = AnswerWriter().written(WholeAnswer(200, headers, b"x"))

    assert written.count(b"Content-Length") == 1
    assert b"close" not in written


def test_json_is_answered_as_json():
    assert b"Content-Type: application/json\r\n" in AnswerWriter().written(in_json(b"{}"))
