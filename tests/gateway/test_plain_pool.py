"""What goes to a server over plain HTTP, and what is taken for its answer."""

import asyncio
import gc
import socket

import pytest
from gateway_stage import until
from multidict import CIMultiDict
from raw_upstream import ANSWER, ok, posting, raw_upstream, reaching

from gateway.upstreams import UpstreamFailed

EVENT = b'data: {"jsonrpc":"2.0","id":1,"result":{}}\n\n'
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
async def raw():
    async with raw_upstream("/some%20path/mcp") as (server, url):
        server.url = url
        yield server


@pytest.fixture
async def upstream(raw):
    async with reaching(raw.url) as opened:
        yield opened


async def test_a_request_arrives_as_it_was_meant(raw):
    credentials = {"Authorization": "Bearer ours", "X-Ours": "1"}
    headers = CIMultiDict([("accept", "a/b"), ("Accept", "c/d"), ("authorization", "theirs")])
    headers["Mcp-Name"] = "ü"

    async with reaching(raw.url, credentials) as upstream:
        await upstream.forward(posting(b'{"a": 1}', headers))

    authority = raw.url.split("/")[2]
    assert raw.requests == [
        b"POST /some%20path/mcp HTTP/1.1\r\n"
        b"Host: " + authority.encode() + b"\r\n"
        b"Authorization: Bearer ours\r\n"
        b"X-Ours: 1\r\n"
        b"Accept-Encoding: identity\r\n"
        b"accept: a/b\r\n"
        b"Accept: c/d\r\n"
        b"Mcp-Name: \xc3\xbc\r\n"
        b"Content-Length: 8\r\n"
        b"\r\n"
        b'{"a": 1}'
    ]


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nX: y", "a\rb", "a\0b", "a\x7fb"])
async def test_a_header_cannot_become_two(raw, upstream, value):
    with pytest.raises(UpstreamFailed, match="nothing was sent") as failed:
        await upstream.forward(posting(headers={"Mcp-Name": value}))

    assert (failed.value.sent, raw.wires) == (False, [])


async def test_a_header_cannot_be_named_like_two(raw, upstream):
    with pytest.raises(UpstreamFailed, match="nothing was sent") as failed:
        await upstream.forward(posting(headers={"Mcp-Name: a\r\nX": "y"}))

    assert (failed.value.sent, raw.wires) == (False, [])


async def test_headers_that_frame_are_ours_alone(raw, upstream):
    headers = {"Transfer-Encoding": "chunked", "Content-Length": "999", "Host": "other"}

    await upstream.forward(posting(b"{}", headers | {"Connection": "close"}))

    (request,) = raw.requests
    assert request.count(b"Content-Length: 2\r\n") == 1
    assert b"chunked" not in request
    assert b"other" not in request
    assert b"close" not in request


async def test_a_connection_is_used_again(raw, upstream):
    for _ in range(5):
        await upstream.forward(posting())

    assert len(raw.wires) == 1


async def test_as_many_connections_are_kept_as_were_used_at_once(raw, upstream):
    together = asyncio.Barrier(8)

    async def answer(wire):
        await together.wait()
        await wire.say(ok())

    raw.answer = answer

    for _ in range(20):
        await asyncio.gather(*(upstream.forward(posting()) for _ in range(8)))

    assert (len(raw.requests), len(raw.wires)) == (160, 8)


async def test_an_idle_connection_is_closed_after_a_while(raw, monkeypatch):
    monkeypatch.setattr("gateway.servers.http_upstream._KEPT_SECONDS", 0.05)
    async with reaching(raw.url) as upstream:
        await asyncio.gather(*(upstream.forward(posting()) for _ in range(3)))

        async with asyncio.timeout(60):
            for wire in raw.wires:
                await until(lambda wire=wire: at_end(wire))

        await upstream.forward(posting())
    assert len(raw.requests) == 4


async def at_end(wire):
    return wire.reader.at_eof()


async def test_a_connection_that_the_server_closed_is_not_used_again(raw, upstream):
    async def answer(wire):
        await wire.say(ok())
        wire.close()

    raw.answer = answer

    for _ in range(50):
        await upstream.forward(posting())

    assert (len(raw.requests), len(raw.wires)) == (50, 50)


async def test_a_request_is_never_sent_twice(raw, upstream):
    await upstream.forward(posting())

    async def vanish(wire):
        wire.reset()

    raw.answer = vanish

    with pytest.raises(UpstreamFailed, match="broke off before its answer was whole") as failed:
        await upstream.forward(posting())
    assert failed.value.sent
    assert (len(raw.requests), len(raw.wires)) == (2, 1)
    assert upstream.trouble() is not None


WHOLE = {
    "with a length": ok(),
    "in chunks": CHUNKED + b"5\r\n" + ANSWER[:5] + b"\r\n1f\r\n" + ANSWER[5:] + b"\r\n0\r\n\r\n",
    "in chunks with extensions": CHUNKED + b"24;a=b\r\n" + ANSWER + b"\r\n0;c\r\n\r\n",
    "in chunks with trailers": CHUNKED
    + b"24\r\n"
    + ANSWER
    + b"\r\n0\r\nMcp-Session-Id: x\r\nDigest: 3\r\n\r\n",
    "after interim answers": b"HTTP/1.1 100 Continue\r\n\r\n"
    b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\nContent-Type: text/event-stream\r\n\r\n" + ok(),
    "without a reason": ok().replace(b"200 OK", b"200"),
    "with a blank line in front": b"\r\n" + ok(),
    "of HTTP/1.0 that is kept": ok(ANSWER, b"Connection: keep-alive").replace(b"1.1", b"1.0", 1),
}


@pytest.mark.parametrize("said", WHOLE.values(), ids=WHOLE.keys())
async def test_an_answer_is_whole_and_its_connection_kept(raw, upstream, said):
    raw.always(said)

    answers = [await upstream.forward(posting()) for _ in range(3)]

    assert [(answer.status, answer.body) for answer in answers] == [(200, ANSWER)] * 3
    assert dict(answers[0].headers) == {"Content-Type": "application/json"}
    assert len(raw.wires) == 1


@pytest.mark.parametrize("status", [204, 304])
async def test_some_answers_have_no_body_whatever_their_length(raw, upstream, status):
    raw.always(b"HTTP/1.1 %d Nothing\r\nContent-Type: text/plain\r\n\r\n" % status)

    if status == 304:
        with pytest.raises(UpstreamFailed, match="points elsewhere"):
            await upstream.forward(posting())
    else:
        answer = await upstream.forward(posting())
        assert (answer.status, answer.body) == (204, b"")
    raw.always(ok())
    await upstream.forward(posting())
    assert len(raw.wires) == 1


CLOSED = {
    "as it said": ok(ANSWER, b"Connection: close"),
    "as HTTP/1.0 does": ok().replace(b"1.1", b"1.0", 1),
    "to say where the answer ends": b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n\r\n" + ANSWER,
    "without having said so": ok(),
}


@pytest.mark.parametrize("said", CLOSED.values(), ids=CLOSED.keys())
async def test_the_server_may_close_after_its_answer(raw, upstream, said):
    raw.last(said)

    answers = [await upstream.forward(posting()) for _ in range(2)]

    assert [answer.body for answer in answers] == [ANSWER, ANSWER]
    assert len(raw.wires) == 2


async def test_a_connection_to_be_closed_is_closed_by_us_too(raw, upstream):
    raw.always(ok(ANSWER, b"Connection: close"))

    await upstream.forward(posting())

    await until(lambda: at_end(raw.wires[0]))


BROKEN = {
    "nothing": b"",
    "half a head": ok()[:40],
    "half a body": ok()[:-1],
    "half a chunk": CHUNKED + b"24\r\n" + ANSWER[:9],
    "chunks without the last": CHUNKED + b"24\r\n" + ANSWER + b"\r\n",
    "half an end of chunks": CHUNKED + b"24\r\n" + ANSWER + b"\r\n0\r\n",
    "an interim answer only": b"HTTP/1.1 100 Continue\r\n\r\n",
}


@pytest.mark.parametrize("said", BROKEN.values(), ids=BROKEN.keys())
async def test_an_answer_that_breaks_off_is_none(raw, upstream, said):
    raw.last(said)

    with pytest.raises(UpstreamFailed, match="broke off before its answer was whole") as failed:
        await upstream.forward(posting())

    assert failed.value.sent
    assert len(raw.requests) == 1


async def test_an_answer_up_to_the_end_of_the_connection_is_none_where_that_is_reset(raw, upstream):
    async def answer(wire):
        await wire.say(b"HTTP/1.1 200 OK\r\n\r\n" + ANSWER)
        await asyncio.sleep(0)
        linger = b"\1\0\0\0\0\0\0\0"
        wire._writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, linger
        )
        wire.reset()

    raw.answer = answer

    with pytest.raises(UpstreamFailed):
        await read_all(await upstream.forward(posting()))


TWO_LENGTHS = ok().replace(b"Content-Length: 36", b"Content-Length: 36\r\nContent-Length: 3")
GARBAGE = {
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n" * 5,
    "TLS": bytes([21, 3, 1, 0, 2, 2, 70]),
    "zeros": b"\0" * 100,
    "HTTP/2": b"\0\0\x12\4\0\0\0\0\0" + b"\0" * 18,
    "another version": ok().replace(b"1.1", b"2.0", 1),
    "no status": ok().replace(b"200", b"OK"),
    "a status of four digits": ok().replace(b"200", b"2000"),
    "two lengths": TWO_LENGTHS,
    "a length and chunks": ok(ANSWER, b"Transfer-Encoding: chunked"),
    "chunks and a length": CHUNKED[:-2] + b"Content-Length: 36\r\n\r\n24\r\n" + ANSWER,
    "a negative length": ok().replace(b": 36", b": -1"),
    "a length of hex": ok().replace(b": 36", b": 0x24"),
    "an endless length": ok().replace(b": 36", b": " + b"9" * 40),
    "another coding": CHUNKED.replace(b"chunked", b"gzip, chunked") + b"0\r\n\r\n",
    "a coding nobody knows": CHUNKED.replace(b"chunked", b"xchunked") + ANSWER,
    "two codings": CHUNKED[:-2] + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "a folded header": ok(ANSWER, b"X: a\r\n b"),
    "a blank before the colon": ok(ANSWER, b"X : a"),
    "a zero in a header": ok(ANSWER, b"X: a\0"),
    "bare line feeds": ok().replace(b"\r\n", b"\n"),
    "a chunk of no size": CHUNKED + b"x\r\n",
    "a chunk too large": CHUNKED + b"f" * 20 + b"\r\n",
    "a chunk that is longer": CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n",
    "a length in the trailer": CHUNKED + b"0\r\nContent-Length: 0\r\n\r\n",
    "an upgrade": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello",
    "a body longer than its length": ok().replace(b": 36", b": 30"),
    "a status below all that there are": ok().replace(b"200 OK", b"000 No"),
    "a second answer": ok() + ok(b"{}"),
    "the begin of a second answer": ok() + b"H",
    "a body where there is none": b"HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\nhi",
    "more after the last": ok(ANSWER, b"Connection: close") + b"x",
}


@pytest.mark.parametrize("said", GARBAGE.values(), ids=GARBAGE.keys())
async def test_garbage_is_no_answer(raw, upstream, said):
    raw.always(said)

    with pytest.raises(UpstreamFailed) as failed:
        await upstream.forward(posting())

    assert failed.value.sent
    assert "`raw`" in str(failed.value)
    raw.always(ok())
    assert (await upstream.forward(posting())).body == ANSWER
    assert (len(raw.requests), len(raw.wires)) == (2, 2)


async def test_what_comes_after_an_answer_is_not_taken_for_the_next(raw, upstream):
    go_on = asyncio.Event()

    async def answer(wire):
        await wire.say(ok())
        await go_on.wait()
        await wire.say(ok(b'{"smuggled": true}'))

    raw.answer = answer
    await upstream.forward(posting())
    go_on.set()
    await until(lambda: at_end(raw.wires[0]))
    raw.answer = raw.plainly

    answer = await upstream.forward(posting())

    assert answer.body == ANSWER
    assert len(raw.wires) == 2


async def test_headers_that_are_no_text_stay_here(raw, upstream):
    raw.always(ok(ANSWER, b"Mcp-A: \xff", b"Mcp-B: \xc3\xbc", b"Set-Cookie: a", b"Server: b"))

    answer = await upstream.forward(posting())

    assert dict(answer.headers) == {"Content-Type": "application/json", "Mcp-B": "ü"}


FLOODS = {
    "a header": (b"HTTP/1.1 200 OK\r\nX: ", b"x" * 4096),
    "the name of a header": (b"HTTP/1.1 200 OK\r\n", b"x" * 4096),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 100),
    "a reason": (b"HTTP/1.1 200 ", b"x" * 4096),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "blank lines": (b"", b"\r\n" * 1000),
    "an extension of a chunk": (CHUNKED + b"1;", b"x" * 4096),
    "the size of a chunk": (CHUNKED, b"0" * 4096),
    "a trailer": (CHUNKED + b"0\r\nX: ", b"x" * 4096),
    "trailers": (CHUNKED + b"0\r\n", b"X: y\r\n" * 100),
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS.keys())
async def test_a_flood_that_is_no_body_ends_its_own_call(raw, upstream, flood):
    async def answer(wire):
        await wire.say(flood[0])
        while True:
            await wire.say(flood[1])

    raw.answer = answer

    with pytest.raises(UpstreamFailed, match="without end") as failed:
        await upstream.forward(posting())

    assert failed.value.sent


async def read_all(answer):
    if answer.stream is None:
        return answer.body
    try:
        return b"".join([piece async for piece in answer.stream])
    finally:
        await answer.stream.aclose()


async def test_events_pass_as_they_come_and_the_connection_is_kept(raw, upstream):
    go_on = asyncio.Event()

    async def answer(wire):
        await wire.say(STREAM + b"2\r\n: \r\n")
        await go_on.wait()
        await wire.say(b"%x\r\n" % len(EVENT) + EVENT + b"\r\n0\r\n\r\n")

    raw.answer = answer

    first = await upstream.forward(posting())
    began = await anext(first.stream)
    go_on.set()

    assert (began, await read_all(first)) == (b": ", EVENT)
    raw.answer = raw.plainly
    await upstream.forward(posting())
    assert len(raw.wires) == 1


@pytest.mark.parametrize("size", [1024 * 1024, 1024 * 1024 + 1, 5_000_000])
@pytest.mark.parametrize("chunked", [True, False])
async def test_a_large_answer_arrives_whole(raw, upstream, size, chunked):
    body = bytes(range(250)) * (size // 250 + 1)
    body = body[:size]
    pieces = [body[at : at + 70_000] for at in range(0, size, 70_000)]
    parts = [b"%x\r\n" % len(piece) + piece + b"\r\n" for piece in pieces]
    raw.always(*([CHUNKED, *parts, b"0\r\n\r\n"] if chunked else [ok(body)]))

    for _ in range(2):
        assert await read_all(await upstream.forward(posting())) == body

    assert len(raw.wires) == 1


@pytest.mark.parametrize("said", [ok()[:-9], CHUNKED + b"24\r\n" + ANSWER[:-9]])
async def test_an_answer_that_dawdles_is_handed_on_as_it_comes(raw, upstream, said):
    go_on = asyncio.Event()

    async def answer(wire):
        await wire.say(said)
        await go_on.wait()
        await wire.say(ANSWER[-9:] + (b"\r\n0\r\n\r\n" if b"chunked" in said else b""))

    raw.answer = answer

    answer = await upstream.forward(posting())

    assert await anext(answer.stream) == ANSWER[:-9]
    go_on.set()
    assert await read_all(answer) == ANSWER[-9:]


async def test_a_server_waits_for_whoever_reads_its_answer(raw, upstream):
    sent = 0

    async def answer(wire):
        nonlocal sent
        await wire.say(b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n")
        for _ in range(2000):
            await wire.say(b"x" * 100_000)
            sent += 100_000

    raw.answer = answer

    answer = await upstream.forward(posting())
    stuck = await until(lambda: stands_still(lambda: sent))

    assert stuck < 50_000_000
    got = 0
    async for piece in answer.stream:
        got += len(piece)
    assert got == 200_000_000


async def stands_still(count):
    before = count()
    await asyncio.sleep(0.3)
    return count() if before and count() == before else 0


async def test_a_stream_that_breaks_off_says_so_after_what_came(raw, upstream):
    async def answer(wire):
        await wire.say(STREAM + b"4\r\ndata\r\n")
        wire.reset()

    raw.answer = answer

    answer = await upstream.forward(posting())

    assert await anext(answer.stream) == b"data"
    with pytest.raises(UpstreamFailed, match="broke off"):
        await anext(answer.stream)
    await answer.stream.aclose()


async def test_a_stream_given_up_ends_its_connection(raw, upstream):
    raw.always(STREAM + b"4\r\ndata\r\n")
    answer = await upstream.forward(posting())

    await answer.stream.aclose()

    await until(lambda: at_end(raw.wires[0]))


async def test_a_wait_for_more_that_is_cancelled_loses_nothing(raw, upstream):
    go_on = asyncio.Event()

    async def answer(wire):
        await wire.say(STREAM)
        await go_on.wait()
        await wire.say(b"4\r\ndata\r\n0\r\n\r\n")

    raw.answer = answer
    answer = await upstream.forward(posting())

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await anext(answer.stream)
    go_on.set()

    assert await read_all(answer) == b"data"


async def test_cancelling_a_request_reaches_the_server_and_no_other_request(raw, upstream):
    hangs = asyncio.Event()

    async def answer(wire):
        if b"hang" in raw.requests[-1]:
            hangs.set()
            await wire.ended()
            raise ConnectionError
        await wire.say(ok())

    raw.answer = answer
    hanging = asyncio.create_task(upstream.forward(posting(b'"hang"')))
    await hangs.wait()
    await upstream.forward(posting())

    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)

    await until(lambda: at_end(raw.wires[0]))
    await upstream.forward(posting())
    assert len(raw.wires) == 2


async def test_cancelling_at_the_moment_of_the_answer_harms_no_other_request(raw, upstream):
    for _ in range(30):
        first = asyncio.create_task(upstream.forward(posting()))
        heard = len(raw.requests)

        async def arrived(heard=heard):
            return len(raw.requests) > heard

        await until(arrived)
        while not first.done() and not upstream._plain._idle:
            await asyncio.sleep(0)
        first.cancel()
        assert (await upstream.forward(posting())).body == ANSWER
        await asyncio.gather(first, return_exceptions=True)


async def test_a_server_that_is_away_is_told_apart_from_one_that_broke_off(raw, upstream):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/mcp"
        async with reaching(url) as away:
            with pytest.raises(UpstreamFailed, match="cannot be reached") as failed:
                await away.forward(posting())

            assert not failed.value.sent
            assert "`raw`" in away.trouble()


async def test_a_server_that_does_not_accept_is_given_up(raw, monkeypatch):

    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with socket.socket() as first, socket.socket() as second:
            for each in (first, second):
                each.settimeout(0)
                each.connect_ex(full.getsockname())
            url = f"http://127.0.0.1:{full.getsockname()[1]}/mcp"
            async with reaching(url) as upstream:
                with pytest.raises(UpstreamFailed, match="cannot be reached") as failed:
                    await upstream.forward(posting())

    assert not failed.value.sent


async def test_closing_ends_what_is_under_way(raw):
    heard = asyncio.Event()

    async def answer(wire):
        heard.set()
        await wire.ended()
        raise ConnectionError

    raw.answer = answer
    async with reaching(raw.url) as upstream:
        waiting = asyncio.create_task(upstream.forward(posting()))
        await heard.wait()

    with pytest.raises(UpstreamFailed) as failed:
        await waiting
    assert failed.value.sent
    with pytest.raises(UpstreamFailed, match="shut down") as failed:
        await upstream.forward(posting())
    assert not failed.value.sent


async def test_nothing_is_left_behind(raw):
    raw.last(ok()[:-1])
    async with reaching(raw.url) as upstream:
        for _ in range(20):
            with pytest.raises(UpstreamFailed):
                await upstream.forward(posting())

        async def none_open():
            return not upstream._plain._open

        await until(none_open)
    gc.collect()


async def test_blanks_round_the_value_of_a_header_are_no_part_of_it(raw, upstream):
    raw.always(ok(ANSWER, b"Mcp-Said: \t a b \t"))

    answer = await upstream.forward(posting(b"{}"))

    assert answer.headers["Mcp-Said"] == "a b"


@pytest.mark.parametrize("steps", range(12))
async def test_a_caller_that_leaves_while_it_is_connected_leaves_no_connection(
    raw, upstream, steps
):
    asking = asyncio.create_task(upstream.forward(posting()))
    for _ in range(steps):
        await asyncio.sleep(0)

    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    async def none_open():
        gc.collect()  # a socket that was lost warns, and fails the test
        return not upstream._plain._open

    await until(none_open)
