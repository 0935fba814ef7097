"""Requests whose frame, target or host says something else than it seems, as raw bytes."""

import asyncio
import json
from urllib.parse import urlsplit

import pytest
from gateway_stage import CI_BOT, modern_headers, staged

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
CALL = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "read_file", "arguments": {}, "_meta": META},
    }
).encode()


@pytest.fixture
async def stage(sqlite_url):
    async with staged(sqlite_url) as opened:
        yield opened


async def sent(stage, body=CALL, target="/mcp/files", **headers):
    """Send one request as it stands and return the answer's bytes."""
    address = urlsplit(stage.url)
    standard = {
        **modern_headers("tools/call", "read_file"),
        "Host": "localhost",
        "Authorization": f"Bearer {CI_BOT}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{k}: {v}" for k, v in (standard | named).items() if v is not None]
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = "\r\n".join([f"POST {target} HTTP/1.1", *lines])
    writer.write(head.encode() + b"\r\n\r\n" + body)
    answer = await reader.read()
    writer.close()
    return answer


def chunked(body):
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("http://evil.example/mcp/files", {}),
        ("https://evil.example:8443/mcp/files", {}),
        ("http://localhost@evil.example/mcp/files", {}),
        ("/mcp/files", {"Host": "[::1]evil.example"}),
        ("/mcp/files", {"Host": "localhost:evil.example"}),
        ("/mcp/files", {"Host": "localhost:80:90"}),
        ("/mcp/files", {"Host": "localhost:80@evil.example"}),
        ("/mcp/files", {"Origin": "http://localhost:80@evil.example"}),
        ("/mcp/files", {"Origin": "http://[::1]evil.example"}),
        ("/mcp/files", {"Origin": "http://localhost:x"}),
    ],
)
async def test_a_host_that_only_begins_like_ours_is_refused(stage, target, headers):
    answer = await sent(stage, target=target, **headers)

    assert answer.startswith(b"HTTP/1.1 403 ")
    assert stage.server.calls() == []


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("http://localhost/mcp/files", {}),
        ("http://127.0.0.1:8787/mcp/files", {}),
        ("/mcp/files", {"Host": "LOCALHOST:65535"}),
        ("/mcp/files", {"Host": "[::1]:80", "Origin": "http://[::1]:3000"}),
    ],
)
async def test_our_own_host_is_known_however_it_is_written(stage, target, headers):
    answer = await sent(stage, target=target, **headers)

    assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("coding", ["gzip, chunked", "deflate, chunked", "identity, chunked"])
async def test_a_body_in_another_coding_than_chunks_is_refused(stage, coding):
    answer = await sent(stage, chunked(CALL), Content_Length=None, Transfer_Encoding=coding)

    assert answer.startswith(b"HTTP/1.1 415 ")
    assert stage.server.calls() == []


async def test_a_body_in_chunks_arrives_whole(stage):
    answer = await sent(stage, chunked(CALL), Content_Length=None, Transfer_Encoding="Chunked")

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert stage.server.calls() == [CALL]


async def test_a_content_type_that_names_two_charsets_is_refused(stage):
    two = "application/json; charset=utf-8; charset=utf-16le"

    answer = await sent(stage, Content_Type=two)

    assert answer.startswith(b"HTTP/1.1 415 ")
    assert stage.server.calls() == []


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /mcp/files HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"POST /mcp/files HTTP/1.1\r\nHost: localhost\r\nX y: 1\r\n\r\n",
        b"POST /mcp/files HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET /mcp/files HTTP/1.1\r\nHost: localhost\r\nExpect: \xa6\r\n\r\n",
        b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\nExpect: a miracle\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_refused_like_any_request_and_is_no_fault_of_ours(
    stage, sent, caplog
):
    address = urlsplit(stage.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(sent)

    answer = await reader.read()
    writer.close()

    assert answer[8:13] == b" 400 "
    assert b'"code": -32600' in answer
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("long", ["Authorization: Bearer " + "k" * 9000, "X: " + "y" * 100_000])
async def test_a_header_that_is_too_long_is_said_to_be_that(stage, long):
    address = urlsplit(stage.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(f"POST /mcp/files HTTP/1.1\r\nHost: localhost\r\n{long}\r\n\r\n".encode())

    answer = await reader.readuntil(b"}}")
    writer.close()

    assert answer[8:13] == b" 431 "
    assert b"longer than 8,190 bytes" in answer


async def asked(stage, *parts):
    """Send parts of a request, one after the other, and return the answer's bytes."""
    address = urlsplit(stage.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0.3)  # so that it comes by itself, and the lane left it to aiohttp
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()
    return answer


CHUNKS = (
    f"POST /mcp/files HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {CI_BOT}\r\n"
    "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
).encode()


@pytest.mark.parametrize(
    "broken",
    [
        b"zz\r\n",
        b"5\n",
        b"0\r\nX Y: a\r\n\r\n",
        b"0\r\n" + b"X: a\r\n" * 150 + b"\r\n",
        b"0\r\nX: " + b"a" * 9000 + b"\r\n\r\n",
    ],
    ids=["size", "bare feed", "trailer", "many trailers", "long trailer"],
)
async def test_a_frame_that_breaks_within_a_body_is_told_at_once(stage, broken, caplog):
    first = b"%x\r\n%b\r\n" % (len(CALL), CALL)

    answer = await asked(stage, CHUNKS, first, broken + CHUNKS)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"Content-Length") == 1
    assert b"the body is not framed as HTTP/1.1 says" in answer
    assert b"\r\nConnection: close\r\n" in answer
    assert stage.server.calls() == []
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_frame_that_breaks_after_its_request_was_refused_is_no_fault_of_ours(stage, caplog):
    head = CHUNKS.replace(CI_BOT.encode(), b"x" * 40)

    answer = await asked(stage, head, b"5\r\nhello\r\n", b"zz\r\n")

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert answer.count(b"Content-Length") == 1
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


FIELDS = b"".join(b"X%d: " % number + b"a" * 8000 + b"\r\n" for number in range(11))


@pytest.mark.parametrize("end", [b"", b"\r\n"], ids=["goes on", "ends"])
@pytest.mark.parametrize(
    "before", [b"", b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n"], ids=["first", "second"]
)
async def test_a_head_of_more_than_64_kib_is_refused(stage, end, before, caplog):
    head = b"POST /mcp/files HTTP/1.1\r\nHost: localhost\r\n" + FIELDS

    answer = await asked(stage, before + head + end)

    refusal = answer[answer.rindex(b"HTTP/1.0") :]
    assert refusal[8:13] == b" 431 "
    assert b'"code": -32600' in refusal
    assert b"65536 bytes in all" in refusal
    assert answer.count(b"Content-Length") == 1 + bool(before)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_head_that_comes_slowly_is_counted_as_well_and_those_before_are_not(stage):
    get = b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n" + FIELDS[:40_000] + b"\r\n\r\n"
    address = urlsplit(stage.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)

    for _ in range(3):
        writer.write(get)
        assert (await reader.readuntil(b"}}")).startswith(b"HTTP/1.1 404 ")
    writer.write(b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n")
    for number in range(17):
        writer.write(b"X%d: " % number + b"a" * 4000 + b"\r\n")
        await asyncio.sleep(0.01)
    answer = await asyncio.wait_for(reader.readuntil(b"}}"), 20)
    writer.close()

    assert answer[8:13] == b" 431 "


async def test_a_large_body_is_no_head(stage):
    size = 1_000_000
    body = CALL + b" " * (size - len(CALL))

    answer = await sent(stage, body)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert stage.server.calls() == [body]


async def test_more_than_128_headers_are_said_to_be_that(stage):
    answer = await asked(
        stage, b"POST /mcp/files HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 128 + b"\r\n"
    )

    assert answer[8:13] == b" 431 "
    assert b"more than 128 headers" in answer


@pytest.mark.parametrize("version", [b"2.0", b"0.9"])
async def test_a_version_that_is_not_spoken_is_said_to_be_that(stage, version):
    head = CHUNKS.replace(b"HTTP/1.1", b"HTTP/" + version)

    answer = await asked(stage, head + chunked(CALL))

    assert answer.startswith(b"HTTP/1.1 505 ")
    assert b'"code": -32600' in answer
    assert stage.server.calls() == []


async def test_a_tunnel_is_refused_like_any_other_method(stage):
    answer = await asked(stage, b"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 405 ")
    assert b"\r\nAllow: POST, GET, DELETE\r\n" in answer
    assert b'"code": -31010' in answer
