"""Connections that wait keep little: on which nothing is asked, and whose call is held."""

import asyncio
import contextlib
import json
import logging

import pytest
from gateway_stage import CI_BOT, META, modern_headers, staged, until


def request(path: str, tool: str = "read_file") -> bytes:
    """Return a whole request that reads a file, or uses another tool on it."""
    params = {"name": tool, "arguments": {"path": path}, "_meta": META}
    message = {"jsonrpc": "2.0", "id": path, "method": "tools/call", "params": params}
    body = json.dumps(message).encode()
    headers = {
        "Host": "localhost",
        "Authorization": f"Bearer {CI_BOT}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        **modern_headers("tools/call", tool),
        "Content-Length": str(len(body)),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /mcp/files HTTP/1.1\r\n{lines}\r\n".encode() + body


@contextlib.asynccontextmanager
async def caller(stage):
    """Connect, and give the connection from both sides once a first call was answered on it."""
    others = set(lanes(stage))
    port = int(stage.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request("first"))
    assert b'"first"' in await answer(reader)
    (lane,) = set(lanes(stage)) - others
    yield lane, reader, writer
    writer.close()


def lanes(stage):
    return list(stage.gateway._runner._doors._open)


async def answer(reader) -> bytes:
    """Return the body of the next answer."""
    async with asyncio.timeout(60):
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
        return await reader.readexactly(int(length))


async def test_a_connection_that_rests_keeps_no_task_and_no_head_and_serves_on(sqlite_url):
    async with staged(sqlite_url) as stage, caller(stage) as (lane, reader, writer):
        task = lane._serving
        assert lane._reader._last is not None

        stage.gateway.rest()

        await asyncio.wait_for(task, 5)
        assert (lane._serving, lane._resting, lane._reader._last) == (None, None, None)
        for path in ("second", "third"):
            writer.write(request(path))
            assert f'"{path}"'.encode() in await answer(reader)


@pytest.mark.parametrize("first", ["request", "rest"])
async def test_a_request_that_comes_in_the_same_turn_is_answered(sqlite_url, first):
    async with staged(sqlite_url) as stage, caller(stage) as (lane, reader, _):
        task = lane._serving

        if first == "rest":
            stage.gateway.rest()
        lane.data_received(request("second"))
        stage.gateway.rest()

        assert b'"second"' in await answer(reader)
        assert task.done() == (first == "rest")


async def test_a_request_under_way_is_answered_and_the_next_one_too(sqlite_url):
    async with staged(sqlite_url) as stage, caller(stage) as (_, reader, writer):
        stage.server.running.clear()
        stage.server.gate.clear()
        writer.write(request("second"))
        await stage.server.running.wait()

        stage.gateway.rest()
        stage.server.gate.set()

        assert b'"second"' in await answer(reader)
        writer.write(request("third"))
        assert b'"third"' in await answer(reader)


async def test_half_a_request_is_not_forgotten(sqlite_url):
    async with staged(sqlite_url) as stage, caller(stage) as (lane, reader, writer):
        whole = request("second")
        writer.write(whole[:-20])

        async def half():
            return lane._left

        await until(half)
        stage.gateway.rest()
        writer.write(whole[-20:])

        assert b'"second"' in await answer(reader)


@pytest.mark.parametrize("end", ["close", "connection_lost"])
async def test_a_connection_that_rests_ends_without_a_word(sqlite_url, caplog, end):
    caplog.set_level(logging.WARNING)
    async with staged(sqlite_url) as stage, caller(stage) as (lane, reader, writer):
        caplog.clear()

        stage.gateway.rest()
        if end == "close":
            lane.close()
            assert await asyncio.wait_for(reader.read(), 5) == b""
        else:
            writer.close()

        async def gone():
            return lane not in lanes(stage)

        await until(gone)
        assert caplog.records == []


def awaited(task):
    """Return the names of the coroutines that wait for each other in a task."""
    names, coroutine = [], task.get_coro()
    while hasattr(coroutine, "cr_await"):
        names.append(coroutine.__qualname__)
        coroutine = coroutine.cr_await
    return names


async def test_a_call_that_is_held_in_silence_keeps_few_coroutines_and_no_timer(sqlite_url):
    async with staged(sqlite_url, hold="1m") as stage, caller(stage) as (lane, reader, writer):
        writer.write(request("second", "write_file"))
        (approval,) = await stage.pending()

        async def waits():  # until then it reads how the approval stands
            return awaited(lane._serving)[-1] == "WaitingRoom.news"

        await until(waits)
        names, timer = awaited(lane._serving), lane._keepalive_handle
        await stage.decide(approval.id)

        assert b'"second"' in await answer(reader)
        assert [name.partition(".")[0] for name in names] == [
            *("FastLane", "Endpoint", "Ladder", "ToolCalls", "WaitingRoom"),
        ]
        assert timer is None
        assert lane._keepalive_handle is not None
        writer.write(request("third"))
        assert b'"third"' in await answer(reader)


async def test_what_is_aiohttps_is_left_alone(sqlite_url):
    async with staged(sqlite_url) as stage, caller(stage) as (lane, reader, writer):
        writer.write(request("second").replace(b"Host", b"Origin: http://localhost\r\nHost"))
        assert b'"second"' in await answer(reader)

        stage.gateway.rest()

        assert lane._reader is None
        writer.write(request("third"))
        assert b'"third"' in await answer(reader)
