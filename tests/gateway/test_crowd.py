"""More than can be served is refused at once, and one agent's flood leaves others served."""

import asyncio
import contextlib
import json
import sqlite3
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from gateway_stage import CI_BOT, META, OTHER_BOT, RawServer, modern_headers, staged, until
from hypothesis import given
from hypothesis import strategies as st

from gateway.callers.crowd import Crowd, Shares
from gateway.wire.errors import Rejected
from policies.configuration.capacity import CapacitySection

READ = {"path": "a.txt"}

takings = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 5)), max_size=60)


def tight(**capacity):
    """Return what makes a configuration's capacity this."""
    return lambda text: text.replace("gateway: {", f"gateway: {{capacity: {json.dumps(capacity)}, ")


def impatient(**patience):
    return lambda text: text.replace("gateway: {", f"gateway: {{patience: {json.dumps(patience)}, ")


@given(takings)
def test_a_newcomer_gets_in_as_long_as_anything_is_left(taken):
    shares = Shares(20)
    for agent, count in taken:
        shares.take(agent, count)

    assert (shares.take("newcomer") == 0) == (shares.left > 0 or shares.of("newcomer") > 0)


@given(takings)
def test_what_is_given_never_exceeds_what_there_is_and_comes_back(taken):
    shares = Shares(20)
    given_out = [(agent, count) for agent, count in taken if shares.take(agent, count) == 0]

    assert shares.left == 20 - sum(count for _, count in given_out)
    assert 0 <= shares.left <= 20

    for agent, count in given_out:
        shares.give_back(agent, count)
    assert shares.left == 20
    assert [shares.of(agent) for agent in "abc"] == [0, 0, 0]


def test_a_server_that_hangs_keeps_its_callers_from_no_other_server():
    crowd = Crowd(CapacitySection(requests=16, requests_per_agent=12))
    places = 0
    with contextlib.suppress(Rejected):
        while True:
            crowd.enter("a", "hung")
            places += 1

    crowd.enter("a", "files")
    crowd.enter("b", "hung")

    assert places == 8


def test_large_bodies_have_their_own_memory_and_give_it_back():
    crowd = Crowd(CapacitySection.model_construct(body_memory=100))

    with crowd.enter("a", "files") as place:
        place.hold(60)
        with (
            pytest.raises(Rejected, match="large bodies") as refused,
            crowd.enter("b", "files") as other,
        ):
            other.hold(60)
        with crowd.enter("b", "files") as other:
            other.hold(30)

    assert refused.value.status == 503
    assert refused.value.headers == {"Retry-After": "1"}
    assert crowd.bytes.left == 100
    assert crowd.under_way == {}


async def busy(stage, count, key=CI_BOT):
    """Have calls run that hang at the server, and return them."""
    stage.server.gate.clear()
    before = len(stage.server.calls())
    calls = [
        asyncio.create_task(stage.call("read_file", READ, number=number, key=key))
        for number in range(count)
    ]

    async def there():
        return len(stage.server.calls()) == before + count

    await until(there)
    return calls


@pytest.mark.parametrize("legacy", [False, True], ids=["modern", "legacy"])
async def test_an_agents_flood_is_refused_at_once_and_leaves_others_served(sqlite_url, legacy):
    async with staged(sqlite_url, rewrite=tight(requests=4)) as stage:
        calls = await busy(stage, 2)

        refused = await stage.call("read_file", READ, legacy=legacy)
        other = await busy(stage, 1, OTHER_BOT)
        stage.server.gate.set()
        answers = await asyncio.gather(*calls, *other)
        again = await stage.call("read_file", READ)

        assert refused.status == 429
        assert refused.headers["Retry-After"] == "1"
        assert refused.error["code"] == -31015
        assert "nothing was executed" in refused.error["message"]
        assert [answer.text for answer in [*answers, again]] == ["done: read_file"] * 4
        assert len(stage.server.calls()) == 4


async def test_an_agent_has_no_more_under_way_than_is_configured(sqlite_url):
    async with staged(sqlite_url, rewrite=tight(requests_per_agent=1)) as stage:
        calls = await busy(stage, 1)

        refused = await stage.call("read_file", READ)
        stage.server.gate.set()
        await asyncio.gather(*calls)

        assert refused.status == 429


async def test_where_nothing_is_left_everybody_is_told_to_come_again(sqlite_url):
    async with staged(sqlite_url, rewrite=tight(requests=4)) as stage:
        crowd = stage.gateway._endpoint._crowd
        for agent in "abcd":
            assert crowd.requests.take(agent) == 0

        refused = await stage.call("read_file", READ)

        assert refused.status == 503
        assert refused.headers["Retry-After"] == "1"


async def test_a_stream_is_under_way_until_it_ends(sqlite_url):
    async with staged(sqlite_url) as stage:
        crowd = stage.gateway._endpoint._crowd
        headers = {"Authorization": f"Bearer {CI_BOT}", "Accept": "text/event-stream"}

        async with stage.http.get(f"{stage.url}/mcp/files", headers=headers) as stream:
            assert stream.status == 200
            assert crowd.under_way == {"ci-bot": 1}

        await until(lambda: _none_of(crowd))


async def test_a_call_whose_caller_went_away_keeps_its_place_until_its_server_is_done(sqlite_url):
    async with staged(sqlite_url, rewrite=tight(requests_per_agent=1)) as stage:
        crowd = stage.gateway._endpoint._crowd
        stage.server.gate.clear()
        call = asyncio.create_task(stage.call("read_file", READ, legacy=True))
        await stage.server.running.wait()

        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        refused = await stage.call("read_file", READ)
        stage.server.gate.set()
        await until(lambda: _none_of(crowd))

        assert refused.status == 429
        assert (await stage.ended())[0].outcome == "ok"


async def _none_of(crowd):
    return crowd.under_way == {}


async def connected(stage):
    address = urlsplit(stage.url)
    return await asyncio.open_connection(address.hostname, address.port)


def head(length, *more):
    lines = [
        "POST /mcp/files HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {CI_BOT}",
        "Content-Type: application/json",
        f"Content-Length: {length}",
        *more,
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


async def test_a_body_that_does_not_come_is_not_waited_for(sqlite_url):
    async with staged(sqlite_url, rewrite=impatient(body="1s")) as stage:
        reader, writer = await connected(stage)
        writer.write(head(100) + b'{"jsonrpc":')

        answer = await reader.read(4096)
        writer.close()

        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"code": -31016' in answer
        assert stage.gateway._endpoint._crowd.under_way == {}


@pytest.mark.parametrize("sent", [b"", b"POST /mcp/files HTTP/1.1\r\nHost: loc"], ids=["", "half"])
async def test_a_connection_that_asks_nothing_is_closed(sqlite_url, sent):
    async with staged(sqlite_url, rewrite=impatient(idle="1s")) as stage:
        reader, writer = await connected(stage)
        writer.write(sent)

        async with asyncio.timeout(60):
            answer = await reader.read()
        writer.close()

        assert answer == b""


async def test_the_oldest_idle_connection_makes_room_for_the_next(sqlite_url):
    async with staged(sqlite_url, rewrite=tight(connections=8)) as stage:
        idle = [await connected(stage) for _ in range(20)]

        answer = await stage.call("read_file", READ)

        assert answer.text == "done: read_file"
        assert await idle[0][0].read() == b""
        for _, writer in idle:
            writer.close()


async def test_where_every_connection_is_busy_the_next_is_told_to_come_again(sqlite_url):
    async with staged(sqlite_url, rewrite=tight(connections=8)) as stage:
        calls = await busy(stage, 8)

        refused = await stage.call("read_file", READ)
        stage.server.gate.set()
        answers = await asyncio.gather(*calls)

        assert refused.status == 503
        assert refused.headers["Retry-After"] == "1"
        assert refused.error["code"] == -31015
        assert [answer.text for answer in answers] == ["done: read_file"] * 8


async def test_no_more_callers_connect_than_files_may_be_open_for(sqlite_url, caplog):
    async with staged(sqlite_url, descriptors=128 + 2 * 8) as stage:
        calls = await busy(stage, 8)

        refused = await stage.call("read_file", READ)
        stage.server.gate.set()
        await asyncio.gather(*calls)

        assert refused.status == 503
        assert "only 8 callers may connect" in caplog.text


async def test_a_caller_that_does_not_read_is_hung_up_on_and_its_server_let_go(sqlite_url):
    server = RawServer()
    ended = asyncio.Event()

    async def endless(_message, request):
        response = web.StreamResponse()
        response.content_type = "text/event-stream"
        await response.prepare(request)
        try:
            while True:
                await response.write(b": " + b"x" * 65536 + b"\n\n")
        finally:
            ended.set()

    server.reply = endless
    await server.start()
    async with staged(sqlite_url, server=server, rewrite=impatient(reader="1s")) as stage:
        params = {"name": "read_file", "arguments": {}, "_meta": META}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        body = json.dumps(message).encode()
        named = [f"{k}: {v}" for k, v in modern_headers("tools/call", "read_file").items()]
        _, writer = await connected(stage)

        writer.write(head(len(body), *named) + body)

        await asyncio.wait_for(ended.wait(), 60)
        await until(lambda: _none_of(stage.gateway._endpoint._crowd))
        assert (await stage.ended())[0].outcome == "failed"
        with contextlib.suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()
    await server.close()


async def test_a_full_ledger_refuses_at_once_and_says_so(sqlite_url):
    async with staged(sqlite_url) as stage:
        await stage.call("read_file", READ)
        stage.ledger._parts.inbox._capacity = 2
        with contextlib.closing(sqlite3.connect(sqlite_url[10:])) as locking:
            locking.execute("BEGIN IMMEDIATE")
            calls = [
                asyncio.create_task(stage.call("read_file", READ, number=number))
                for number in range(8)
            ]

            done, waiting = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
            refused = done.pop().result()
            locking.rollback()
            answers = await asyncio.gather(*done, *waiting)

        assert refused.status == 503
        assert refused.headers["Retry-After"] == "1"
        assert "the ledger is busy" in refused.error["message"]
        assert {answer.status for answer in answers} == {200, 503}
