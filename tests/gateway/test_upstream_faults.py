"""What a server over HTTP can do wrong, whichever way leads to it, costs its own requests."""

import asyncio
import socket
import ssl

import pytest
from gateway_stage import until
from multidict import CIMultiDict
from raw_upstream import ANSWER, ok, posting, raw_upstream, reaching

from gateway.servers.turns import Bounds
from gateway.upstreams import Era, Fault, UpstreamFailed, UpstreamRequest

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
BRIEF = Bounds(silence=0.2)


@pytest.fixture
async def raw():
    async with raw_upstream() as (server, url):
        server.url = url
        yield server


@pytest.fixture(params=["plain", "general"])
def reach(request, raw):
    """Open the server by one way or the other."""

    def opened(bounds=None, headers=None):
        return reaching(raw.url, headers, bounds=bounds, generally=request.param == "general")

    return opened


async def failure(upstream, request=None):
    with pytest.raises(UpstreamFailed) as failed:
        await read(await upstream.forward(request or posting()))
    return failed.value


async def read(answer):
    if answer.stream is None:
        return answer.body
    try:
        return b"".join([piece async for piece in answer.stream])
    finally:
        await answer.stream.aclose()


def listening():
    message = {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": {}}
    return posting()._replace(message=message)


STALLS = {
    "before its answer": b"",
    "in the head": ok()[:30],
    "in the body": ok()[:-3],
    "in events": STREAM + b"3\r\nabc\r\n",
    "before the first event": STREAM,
}


@pytest.mark.parametrize("said", STALLS.values(), ids=STALLS.keys())
async def test_a_server_that_says_nothing_is_given_up(raw, reach, said):
    async def answer(wire):
        await wire.say(said)
        await wire.ended()
        raise ConnectionError

    raw.answer = answer
    async with reach(BRIEF) as upstream:
        failed = await failure(upstream)

        assert "has said nothing for" in str(failed)
        assert (failed.sent, failed.fault) == (True, Fault.SILENT)
        assert upstream.traffic.under_way == 0
        raw.answer = raw.plainly
        assert await read(await upstream.forward(posting())) == ANSWER


@pytest.mark.parametrize("generally", [True, False])
async def test_a_server_that_reads_nothing_is_given_up(generally):
    writers = []

    async def deaf(_, writer):
        writer.transport.pause_reading()
        writers.append(writer)

    server = await asyncio.start_server(deaf, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        async with asyncio.timeout(60), reaching(url, bounds=BRIEF, generally=generally) as deafly:
            failed = await failure(deafly, posting(b"x" * 30_000_000))
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()

    assert (failed.sent, failed.fault) == (True, Fault.SILENT)


async def test_whoever_listens_is_not_given_up(raw, reach):
    go_on = asyncio.Event()

    async def answer(wire):
        await wire.say(STREAM)
        await go_on.wait()
        await wire.say(b"3\r\nabc\r\n0\r\n\r\n")

    raw.answer = answer
    async with reach(Bounds(silence=0.5)) as upstream:
        listens = await upstream.forward(listening())
        raw.answer = raw.plainly
        waiting = asyncio.create_task(anext(listens.stream))
        for _ in range(3):
            done, _ = await asyncio.wait({waiting}, timeout=0.4)
            assert not done
        go_on.set()

        assert await waiting == b"abc"
        await listens.stream.aclose()


async def test_a_server_that_waits_for_its_reader_is_not_silent(raw):
    async def answer(wire):
        await wire.say(b"HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n" + b"x" * 30_000_000)

    raw.answer = answer
    async with reaching(raw.url, bounds=Bounds(silence=0.5)) as upstream:
        answer = await upstream.forward(posting())
        await asyncio.sleep(1.2)

        assert len(await read(answer)) == 30_000_000


@pytest.mark.parametrize("status", [401, 403, 407])
async def test_a_server_that_refuses_our_credentials_is_an_error_of_ours(raw, reach, status):
    raw.always(
        b"HTTP/1.1 %d No\r\nWWW-Authenticate: Bearer\r\nContent-Length: 2\r\n\r\nno" % status
    )
    async with reach(headers={"Authorization": "Bearer sesame"}) as upstream:
        failed = await failure(upstream)

        assert str(failed) == "the server `raw` refused the credentials that Placet has for it"
        assert (failed.sent, failed.fault) == (True, Fault.REFUSES_US)
        assert upstream.trouble() == f"{failed}: HTTP status {status}, `no`"


REFUSALS = {
    "says why": (
        b"Access is only allowed at localhost:8931",
        "`Access is only allowed at localhost:8931`",
    ),
    "names the scheme": (b"Bearer token required", "`Bearer token required`"),
    "drives a terminal": (b"no\x1b[2J\r\nway", r"`no\u{1B}[2J\u{D}\u{A}way`"),
    "repeats our credential": (b"who is sesame?", ""),
    "tells a secret": (b"not AKIAIOSFODNN7EXAMPLE", "`not [hidden]`"),
    "shows a page": (b" <html>No</html>", ""),
    "says nothing": (b"", ""),
}


@pytest.mark.parametrize(("body", "shown"), REFUSALS.values(), ids=REFUSALS.keys())
async def test_what_a_server_says_as_it_refuses_us_is_for_those_who_run_placet(
    raw, reach, body, shown
):
    raw.always(ok(body).replace(b"200 OK", b"403 No"))
    async with reach(headers={"Authorization": "Bearer sesame"}) as upstream:
        failed = await failure(upstream)

        assert str(failed) == "the server `raw` refused the credentials that Placet has for it"
        assert failed.aside == ", ".join(
            ["HTTP status 403", shown] if shown else ["HTTP status 403"]
        )
        assert upstream.trouble() == failed.in_full


async def test_a_server_that_refuses_us_without_credentials_did_not_refuse_those(raw, reach):
    raw.always(ok(b"no").replace(b"200 OK", b"403 No"))
    async with reach() as upstream:
        failed = await failure(upstream)

    assert str(failed) == "the server `raw` refuses Placet, which has no credentials for it"


async def test_a_403_that_speaks_json_rpc_is_the_servers_own_answer(raw, reach):
    body = b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"bad origin"}}'
    raw.always(ok(body).replace(b"200 OK", b"403 No"))
    async with reach() as upstream:
        answer = await upstream.forward(posting())

        assert (answer.status, answer.body, upstream.trouble()) == (403, body, None)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 399])
async def test_a_redirect_is_never_followed(raw, reach, status):
    raw.always(b"HTTP/1.1 %d X\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, b"/x"))
    async with reach() as upstream:
        failed = await failure(upstream)

    assert (failed.sent, failed.fault, len(raw.requests)) == (True, Fault.REDIRECTS, 1)
    assert failed.aside == f"HTTP status {status} to `/x`"


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        (b"http://h.example:8000/mcp", " to `http://h.example:8000/mcp`"),
        (b"https://me:secret@h.example/login?state=abc#d", " to `https://h.example/login`"),
        (b"http://[bad", ""),
        (b"", ""),
    ],
)
async def test_where_a_redirect_leads_is_said_to_those_who_run_placet(raw, reach, location, shown):
    raw.always(b"HTTP/1.1 307 X\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % location)
    async with reach() as upstream:
        failed = await failure(upstream)

        assert str(failed) == "the server `raw` points elsewhere, which is not followed"
        assert upstream.trouble() == f"{failed}: HTTP status 307{shown}"


@pytest.mark.parametrize("turns", [0, 50])
async def test_an_answer_that_nobody_asked_for_is_not_that_to_the_next_request(raw, reach, turns):
    async with reach() as upstream:
        for number in range(3):
            raw.always(ok(b'{"to": %d}' % number))
            assert await read(await upstream.forward(posting())) == b'{"to": %d}' % number

            await raw.wires[-1].say(ok(b'{"to": "whom?"}'))
            for _ in range(turns):  # it is read while nothing is asked, or not yet
                await asyncio.sleep(0)

    assert len(raw.wires) == 3


@pytest.mark.parametrize(("status", "trouble"), [(500, False), (502, True), (503, True)])
async def test_a_server_error_passes_and_says_whether_the_server_is_there(
    raw, reach, status, trouble
):
    raw.always(ok(b"<html>").replace(b"200 OK", b"%d Oh" % status))
    async with reach() as upstream:
        answer = await upstream.forward(posting())

        assert (answer.status, answer.body) == (status, b"<html>")
        assert (upstream.trouble() is not None) == trouble
        raw.always(ok())
        await upstream.forward(posting())
        assert upstream.trouble() is None


async def test_a_packed_answer_passes_packed(raw, reach):
    raw.always(ok(b"\x1f\x8bno gzip at all", b"Content-Encoding: gzip"))
    async with reach() as upstream:
        answer = await upstream.forward(posting())

        assert (answer.body, answer.headers["Content-Encoding"]) == (
            b"\x1f\x8bno gzip at all",
            "gzip",
        )
    assert b"Accept-Encoding: identity\r\n" in raw.requests[0]


async def test_a_header_cannot_become_two_on_any_way(raw, reach):
    async with reach() as upstream:
        for value in ("a\r\nX: y", "a\0b"):
            failed = await failure(upstream, posting(headers={"Mcp-Name": value}))
            assert (failed.sent, raw.requests) == (False, [])


async def test_more_requests_than_may_be_there_at_once_wait_their_turn(raw, reach):
    go_on = asyncio.Event()
    together = most = 0

    async def answer(wire):
        nonlocal together, most
        together += 1
        most = max(most, together)
        await go_on.wait()
        together -= 1
        await wire.say(ok())

    raw.answer = answer
    async with reach(Bounds(most=3)) as upstream:
        asked = [asyncio.create_task(upstream.forward(posting(b"%d" % n))) for n in range(9)]

        await until(lambda: counted(raw, 3))
        assert upstream.traffic.under_way == 3
        go_on.set()
        await asyncio.gather(*asked)

        assert (most, len(raw.wires)) == (3, 3)
        bodies = [request.rpartition(b"\r\n\r\n")[2] for request in raw.requests]
        assert sorted(bodies[:3]) == [b"0", b"1", b"2"]
        assert upstream.traffic.requests == 9
        assert upstream.traffic.opened == 3
        assert upstream.traffic.under_way == 0


async def counted(raw, number):
    return len(raw.requests) == number


async def test_a_turn_that_does_not_come_is_said_to_be_busy(raw, reach):
    go_on = asyncio.Event()

    async def answer(wire):
        await go_on.wait()
        await wire.say(ok())

    raw.answer = answer
    async with reach(Bounds(most=1, turn=0.05)) as upstream:
        first = asyncio.create_task(upstream.forward(posting()))
        await until(lambda: counted(raw, 1))

        failed = await failure(upstream)

        assert (failed.sent, failed.fault) == (False, Fault.BUSY)
        assert upstream.trouble() is None
        go_on.set()
        await first
        await upstream.forward(posting())


async def test_a_turn_is_given_back_however_its_request_ends(raw, reach):
    async with reach(Bounds(most=1, turn=5)) as upstream:
        raw.last(ok()[:-1])
        await failure(upstream)
        raw.always(STREAM + b"3\r\nabc\r\n")
        streaming = await upstream.forward(posting())
        waiting = [asyncio.create_task(upstream.forward(posting())) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.gather(waiting[0], return_exceptions=True)
        raw.always(ok())
        await streaming.stream.aclose()
        await streaming.stream.aclose()

        assert (await waiting[1]).body == (await waiting[2]).body == ANSWER
        hangs = asyncio.create_task(upstream.forward(posting()))
        hangs.cancel()
        await asyncio.gather(hangs, return_exceptions=True)
        assert (await upstream.forward(posting())).body == ANSWER


async def test_listeners_take_no_turn(raw, reach):
    raw.always(STREAM + b"3\r\nabc\r\n")
    async with reach(Bounds(most=1, turn=0.05)) as upstream:
        headers = CIMultiDict({"Accept": "text/event-stream"})
        get = UpstreamRequest("GET", headers, b"", None, Era.LEGACY, "ci-bot")
        streams = [await upstream.forward(listening()), await upstream.forward(get)]

        raw.always(ok())
        assert (await upstream.forward(posting())).body == ANSWER
        for each in streams:
            await each.stream.aclose()


async def test_a_server_that_does_not_speak_tls_is_not_reached(raw):
    async with reaching(raw.url.replace("http:", "https:")) as upstream:
        failed = await failure(upstream)

    assert (failed.sent, raw.requests) == (False, [])


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_why_a_server_is_not_reached_is_told_without_its_address(raw, scheme):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        async with (
            reaching(f"{scheme}://127.0.0.1:{port}/mcp") as away,
            reaching(f"{scheme}://nobody.invalid/mcp") as unknown,
        ):
            told = [str(await failure(each)) for each in (away, unknown)]

    assert told == [
        "the server `raw` cannot be reached (nothing listens there); nothing was sent to it",
        "the server `raw` cannot be reached (its name leads to no address); nothing was sent to it",
    ]


async def test_a_server_of_unknown_certificate_is_not_reached(tmp_path):
    certificate = await self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    heard = []

    async def serve(reader, writer):
        heard.append(await reader.read(1))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        async with reaching(url) as upstream:
            failed = await failure(upstream)
    finally:
        server.close()

    assert (failed.sent, heard) == (False, [])
    assert "a certificate that cannot be trusted (it vouches for itself); nothing" in str(failed)


async def self_signed(folder):
    key, path = folder / "key.pem", folder / "both.pem"
    made = await asyncio.create_subprocess_exec(
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
        *("-subj", "/CN=127.0.0.1", "-keyout", str(key), "-out", str(path)),
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await made.wait() == 0
    path.write_bytes(path.read_bytes() + key.read_bytes())
    return path
