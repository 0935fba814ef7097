"""No answer tells which libraries, in which versions, it comes from."""

import asyncio
import contextlib

import pytest
from aiohttp import web
from gateway_stage import CI_BOT, staged

from gateway.callers.unnamed import UnnamedRunner

LISTING = b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}'
HELD = (
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":'
    b'{"name":"write_file","arguments":{},"_meta":{"progressToken":1}}}'
)


def head(first, *fields):
    """Return the head of a request."""
    return "\r\n".join([first, "Host: localhost", *fields, "", ""]).encode()


def posted(body, *fields):
    """Return a request of an agent."""
    given = f"Authorization: Bearer {CI_BOT}", "Content-Type: application/json"
    return head("POST /mcp/files HTTP/1.1", *given, f"Content-Length: {len(body)}", *fields) + body


async def begun(port, sent):
    """Return the status and the head of what a request is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    got = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return int(got.split()[1]), got


@pytest.fixture
async def port(sqlite_url):
    async with staged(sqlite_url, own=", hold: 1s", hold="0s") as stage:
        yield int(stage.url.rpartition(":")[2])


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (posted(LISTING), 200),
        (posted(LISTING, "Origin: http://localhost"), 200),
        (posted(HELD), 200),
        (posted(HELD, "Origin: http://localhost"), 200),
        (posted(b'{"jsonrpc":"2.0","method":"notifications/initialized"}'), 202),
        (posted(b"{"), 400),
        (posted(b"{", "Connection: close"), 400),
        (head("GET /mcp/files HTTP/1.1", f"Authorization: Bearer {CI_BOT}"), 200),
        (head("GET /mcp/files HTTP/1.1"), 401),
        (head("PUT /mcp/files HTTP/1.1"), 405),
        (head("GET /nowhere HTTP/1.1"), 404),
        (head("GET /v1/openapi.json HTTP/1.1"), 200),
        (head("GET /v1/openapi.json HTTP/1.1", "Expect: a miracle"), 400),
        (head("GET /mcp/files HTTP/1.1", "X-Long: " + "x" * 9000), 431),
        (b"garbage\r\n\r\n", 400),
    ],
)
async def test_no_answer_to_a_caller_names_a_program(port, sent, status):
    answered, got = await begun(port, sent)

    assert answered == status
    assert b"\r\nserver:" not in got.lower()
    assert b"aiohttp" not in got.lower()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (head("GET / HTTP/1.1"), 200),
        (head("GET /nowhere HTTP/1.1"), 404),
        (head("GET /broken HTTP/1.1"), 500),
        (b"garbage\r\n\r\n", 400),
    ],
)
async def test_no_answer_to_others_names_a_program(sent, status):
    async def fine(_):
        return web.Response()

    async def broken(_):
        raise ValueError

    application = web.Application()
    application.router.add_get("/", fine)
    application.router.add_get("/broken", broken)
    runner = UnnamedRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()

    answered, got = await begun(runner.addresses[0][1], sent)
    await runner.cleanup()

    assert answered == status
    assert b"\r\nserver:" not in got.lower()
