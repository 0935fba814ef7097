"""What passes through the gateway untouched, and what does not pass at all."""

import asyncio
import json

import aiohttp
import pytest
from aiohttp import web
from gateway_stage import CI_BOT, META, OTHER_BOT, RawServer, modern_headers, staged, until

from gateway.tools.instructions import HINT

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}},
}
LISTING = b'{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{}}'
LEGACY = {"MCP-Protocol-Version": "2025-11-25"}


def answering(body, content_type="application/json", status=200, headers=None):
    async def reply(_message, _request):
        all_headers = {"Content-Type": content_type, **(headers or {})}
        return web.Response(body=body, status=status, headers=all_headers)

    return reply


async def begun_session(stage):
    """Begin a session, and return the header that names it."""
    stage.server.sessions = True
    begun = await stage.post(json.dumps(INITIALIZE).encode())
    return {"Mcp-Session-Id": begun.headers["Mcp-Session-Id"]}


@pytest.fixture
async def stage(sqlite_url):
    async with staged(sqlite_url) as opened:
        yield opened


ODD = (
    b' {"id" :1,"jsonrpc":"2.0", "result":{"z":1,"a":12345678901234567890123.4500,'
    b'"content":[{"type":"text","text":"\\u00e9\xc3\xa9"}],"unknown":{"$defs":{}},"n":1E400}}\n'
)


@pytest.mark.parametrize("legacy", [True, False])
async def test_a_result_passes_byte_for_byte(stage, legacy):
    stage.server.reply = answering(ODD, headers={"Mcp-Extra": "kept"})

    answer = await stage.call("read_file", legacy=legacy)

    assert answer.body == ODD
    assert answer.headers["Mcp-Extra"] == "kept"


@pytest.mark.parametrize("status", [400, 404, 418, 500, 503])
async def test_a_status_passes_as_it_is(stage, status):
    stage.server.reply = answering(b"whatever", "text/plain", status)

    answer = await stage.call("read_file")

    assert (answer.status, answer.body) == (status, b"whatever")


async def test_a_stream_passes_byte_for_byte_as_it_comes(stage):
    first = b": hello\r\n\r\nid: 7\r\nevent: message\r\ndata: {\r\ndata: }\r\n\r\n"
    last = b'data: {"jsonrpc":"2.0","id":1,"result":{"isError":true}}\n\n'
    go_on = asyncio.Event()

    async def stream(_, request):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(first)
        await go_on.wait()
        await response.write(last)
        return response

    stage.server.reply = stream
    body = json.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "read_file"}}
    )
    headers = {"Authorization": f"Bearer {CI_BOT}", "Content-Type": "application/json"}

    async with stage.http.post(f"{stage.url}/mcp/files", data=body, headers=headers) as answer:
        began = await answer.content.readexactly(len(first))
        go_on.set()
        ended = await answer.content.read()

    assert (began, ended) == (first, last)
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert (await stage.ended())[0].outcome == "tool-error"


async def test_a_large_answer_passes_whole(stage):
    large = b'{"jsonrpc":"2.0","id":1,"result":{"text":"' + b"x" * 9_000_000 + b'"}}'
    stage.server.reply = answering(large)

    answer = await stage.call("read_file")

    assert answer.body == large
    assert (await stage.ended())[0].size == len(large)


def breaking(*pieces):
    """Return what begins a stream of events, and breaks off after these pieces."""

    async def broken(_, request):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
            await asyncio.sleep(0)
        request.transport.abort()
        return response

    return broken


@pytest.mark.parametrize("legacy", [True, False])
async def test_a_stream_that_breaks_off_ends_in_an_error_that_says_so(stage, legacy):
    begun = b'data: {"jsonrpc":"2.0","method":"a"}\n\n'
    stage.server.reply = breaking(begun, b"data: half")

    answer = await stage.call("read_file", legacy=legacy)
    (ended,) = await stage.ended()

    passed, last, _ = answer.body.split(b"\n\n")
    error = json.loads(last.partition(b"data: ")[2])
    assert passed + b"\n\n" == begun
    assert (error["id"], error["error"]["code"]) == (1, -31007)
    assert "broke off" in error["error"]["message"]
    assert "may have run" in error["error"]["message"]
    assert ended.outcome == "failed"
    assert "broke off" in ended.error


async def test_a_stream_that_can_be_taken_up_breaks_off_for_the_caller_too(stage):
    stage.server.sessions = True
    initialize = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}}
    message = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": initialize}
    begun = await stage.post(json.dumps(message).encode())
    session = LEGACY | {"Mcp-Session-Id": begun.headers["Mcp-Session-Id"]}
    stage.server.reply = breaking(b"id: 1\ndata:\n\n")
    call = message | {"method": "tools/call", "params": {"name": "read_file"}}

    with pytest.raises(aiohttp.ClientError):
        await stage.post(json.dumps(call).encode(), session)

    assert (await stage.ended())[0].outcome == "failed"


async def test_a_call_whose_response_came_before_its_stream_broke_off_has_not_failed(stage):
    async def broken(_, request):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b'data: {"jsonrpc":"2.0","id":1,"result":{"isError":true}}\n\n')
        await asyncio.sleep(0)
        request.transport.abort()
        return response

    stage.server.reply = broken

    with pytest.raises(aiohttp.ClientError):
        await stage.call("read_file")

    assert (await stage.ended())[0].outcome == "tool-error"


@pytest.mark.parametrize(
    ("body", "outcome", "error"),
    [
        (b'{"jsonrpc":"2.0","id":1,"result":{"content":[]}}', "ok", None),
        (b'{"jsonrpc":"2.0","id":1,"result":{"isError":true}}', "tool-error", None),
        (
            b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"key AKIAIOSFODNN7EXAMPLE"}}',
            "rpc-error",
            "key [hidden]",
        ),
        (
            b"not json",
            "failed",
            "the server `files` answered with HTTP status 200 and no JSON-RPC response",
        ),
    ],
)
async def test_the_outcome_is_read_from_the_answer(stage, body, outcome, error):
    stage.server.reply = answering(body)

    await stage.call("read_file")
    (ended,) = await stage.ended()

    assert (ended.outcome, ended.error, ended.content) == (outcome, error, None)


@pytest.mark.parametrize("number", ["2", "null", "true", '"2"', "1.5"])
async def test_the_result_of_another_request_is_no_answer(stage, number):
    body = b'{"jsonrpc":"2.0","id":%s,"result":{"content":[]}}' % number.encode()
    stage.server.reply = answering(body)

    answer = await stage.call("read_file")
    (ended,) = await stage.ended()

    assert (answer.status, answer.json["id"]) == (502, 1)
    assert "answered another request" in answer.error["message"]
    assert "may have run" in answer.error["message"]
    assert ended.outcome == "failed"


@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>welcome</html>"),
        (200, b""),
        (202, b""),
        (204, b""),
        (200, b'{"jsonrpc":"2.0","id":'),
        (200, b'{"jsonrpc":"2.0","id":1}'),
        (200, b'[{"jsonrpc":"2.0","id":1,"result":{}}]'),
        (200, b'{"jsonrpc":"2.0","id":1,"result":{}}{"jsonrpc":"2.0","id":1,"result":{}}'),
        (200, b'{"jsonrpc":"2.0","id":1,"result":{"a":"\x00"}}'),
        (200, b'{"jsonrpc":"2.0","id":1,"result":{"a":"\xff"}}'),
        (200, b'{"jsonrpc":"2.0","id":1,"result":{"a":' + b"[" * 100_000 + b"}}"),
    ],
)
async def test_an_answer_that_says_nothing_is_told_as_an_error(stage, legacy, status, body):
    stage.server.reply = answering(body, status=status)

    answer = await stage.call("read_file", legacy=legacy)
    (ended,) = await stage.ended()

    assert (answer.status, answer.json["id"]) == (200 if legacy else 502, 1)
    assert f"HTTP status {status} and no JSON-RPC response" in answer.error["message"]
    assert "may have run" in answer.error["message"]
    assert (ended.outcome, ended.sent) == ("failed", True)


@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize("said", [b"", b": hello\n\n", b'data: {"jsonrpc":"2.0","method":"a"}\n\n'])
async def test_events_that_end_without_a_response_get_an_error_for_one(stage, legacy, said):
    stage.server.reply = answering(said, "text/event-stream")

    answer = await stage.call("read_file", legacy=legacy)
    (ended,) = await stage.ended()

    assert answer.body.startswith(said)
    told = json.loads(answer.body.removeprefix(said).partition(b"data: ")[2])
    assert (told["id"], told["error"]["code"]) == (1, -31007)
    assert "ended its answer without a response" in told["error"]["message"]
    assert ended.outcome == "failed"


UNFINISHED = [
    b'data: {"jsonrpc":"2.0","id":1,"result":{"content":[]}}' + end
    for end in (b"", b"\n", b"\r\n", b"\r")
]


@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize("last", [*UNFINISHED, b"id: 3\n" + UNFINISHED[1], UNFINISHED[0][:30]])
async def test_an_event_that_is_not_whole_when_its_stream_ends_does_not_pass(stage, legacy, last):
    said = b'data: {"jsonrpc":"2.0","method":"a"}\n\n: b\n'
    stage.server.reply = answering(said + last, "text/event-stream")

    answer = await stage.call("read_file", legacy=legacy)
    (ended,) = await stage.ended()

    assert answer.body.startswith(said + b"event: message\ndata: ")
    assert json.loads(answer.body.removeprefix(said)[21:])["error"]["code"] == -31007
    assert ended.outcome == "failed"


async def test_an_event_of_which_half_has_passed_when_its_stream_ends_is_cut_off(stage):
    said = UNFINISHED[0][:-1] + b" " * 1_500_000 + b"}\n"
    stage.server.reply = answering(said, "text/event-stream")

    with pytest.raises(aiohttp.ClientError):
        await stage.call("read_file")

    assert (await stage.ended())[0].outcome == "failed"


async def test_events_that_can_be_taken_up_again_end_as_they_do(stage):
    said = b"id: 7\ndata: \n\n"
    stage.server.reply = answering(said, "text/event-stream")
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "read_file"}}

    answer = await stage.post(json.dumps(call).encode(), LEGACY | await begun_session(stage))

    assert answer.body == said


async def test_an_answer_that_only_others_could_read_passes(stage):
    body = b'{"jsonrpc":"2.0","id":1,"result":{"a":NaN,"b":"' + b"x" * 300_000 + b'"}}'
    stage.server.reply = answering(body)

    answer = await stage.call("read_file")

    assert (answer.status, answer.body) == (200, body)


@pytest.mark.parametrize("number", ["2", "true", '"2"', "1.5", "[]"])
@pytest.mark.parametrize("status", [200, 202])
async def test_the_error_of_another_request_is_no_answer_where_all_is_said_to_be_fine(
    stage, number, status
):
    body = b'{"jsonrpc":"2.0","id":%s,"error":{"code":1,"message":"no"}}' % number.encode()
    stage.server.reply = answering(body, status=status)

    answer = await stage.call("read_file")
    (ended,) = await stage.ended()

    assert (answer.status, answer.json["id"]) == (502, 1)
    assert "answered another request" in answer.error["message"]
    assert ended.outcome == "failed"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            b'{"jsonrpc":"2.0", "id":null ,"error":{"code":1,"message":"no"}}',
            b'{"jsonrpc":"2.0", "id":"None" ,"error":{"code":1,"message":"no"}}',
        ),
        (
            b'{"error":{"code":1,"message":"no"}, "x":1.0}',
            b'{"id":"None","error":{"code":1,"message":"no"}, "x":1.0}',
        ),
    ],
)
async def test_an_error_without_an_id_gets_that_of_its_request_where_all_is_said_to_be_fine(
    stage, body, told
):
    stage.server.reply = answering(body)

    answer = await stage.call("read_file", number="None")
    (ended,) = await stage.ended()

    assert (answer.status, answer.body) == (200, told)
    assert (ended.outcome, ended.error) == ("rpc-error", "no")


async def test_an_error_that_nobody_can_give_an_id_is_no_answer(stage):
    body = '{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"no"}}'.encode("utf-16")
    stage.server.reply = answering(body)

    answer = await stage.call("read_file")

    assert (answer.status, answer.json["id"]) == (502, 1)
    assert "no JSON-RPC response" in answer.error["message"]


async def test_an_error_that_does_not_know_its_request_passes(stage):
    body = b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no"}}'
    stage.server.reply = answering(body, status=400)

    answer = await stage.call("read_file")

    assert (answer.status, answer.body) == (400, body)


async def test_the_server_sees_only_listed_headers_and_its_own_credentials(stage):
    params = {"name": "read_file", "_meta": META}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    sent = modern_headers("tools/call", "read_file") | {
        "Cookie": "a=b",
        "X-Forwarded-For": "1.2.3.4",
        "Forwarded": "for=1.2.3.4",
        "Proxy-Authorization": "Basic x",
        "X-Api-Key": "x",
        "Origin": stage.url,
        "Referer": stage.url,
        "User-Agent": "client/1",
        "Accept-Encoding": "gzip",
        "Connection": "keep-alive, X-Secret",
        "X-Secret": "x",
        "TE": "trailers",
        "Mcp-Param-Region": "eu",
        "Mcp-Session-Id": "stray",
        "Last-Event-ID": "9",
        "traceparent": "00-a-b-01",
        "baggage": "k=v",
    }

    await stage.post(json.dumps(message).encode(), sent)

    arrived = stage.server.seen[-1][1]
    host = arrived.pop("Host")
    assert host in stage.server.url
    assert arrived == {
        "Accept": "application/json, text/event-stream",
        "Accept-Encoding": "identity",
        "Authorization": "Bearer upstream-secret",
        "Content-Length": arrived["Content-Length"],
        "Content-Type": "application/json",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "read_file",
        "Mcp-Param-Region": "eu",
        "baggage": "k=v",
        "traceparent": "00-a-b-01",
    }


async def test_the_query_is_not_handed_on(stage):
    headers = {"Authorization": f"Bearer {CI_BOT}", "Content-Type": "application/json", **LEGACY}
    url = f"{stage.url}/mcp/files?token=x&server=other"

    async with stage.http.post(url, data=LISTING, headers=headers) as answer:
        assert answer.status == 200

    assert stage.server.seen[-1][2] == LISTING


async def test_the_caller_sees_no_cookies_or_challenges_of_the_server(stage):
    hostile = {
        "Set-Cookie": "a=b",
        "WWW-Authenticate": "Bearer",
        "Location": "/",
        "Clear-Site-Data": "*",
        "Access-Control-Allow-Origin": "*",
        "Mcp-Kept": "1",
    }
    stage.server.reply = answering(ODD, headers=hostile)

    answer = await stage.call("read_file")

    assert set(answer.headers) == {"Content-Type", "Content-Length", "Date", "Mcp-Kept"}


@pytest.mark.parametrize(
    ("kind", "powerless"),
    [
        ("text/html", True),
        ("image/svg+xml; charset=utf-8", True),
        ("application/json, text/html", True),
        ("Application/JSON; charset=utf-8", False),
    ],
)
async def test_a_browser_runs_nothing_of_what_a_server_answers(stage, kind, powerless):
    stage.server.reply = answering(ODD, headers={"Content-Type": kind})

    answer = await stage.call("read_file")

    assert (answer.headers.get("Content-Security-Policy") == "sandbox") is powerless
    assert (answer.headers.get("X-Content-Type-Options") == "nosniff") is powerless


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(stage, status):
    elsewhere = RawServer()
    await elsewhere.start()
    stage.server.reply = answering(b"", status=status, headers={"Location": elsewhere.url})

    answer = await stage.call("read_file")
    await elsewhere.close()

    assert (answer.status, answer.error["code"], answer.json["id"]) == (502, -31007, 1)
    assert elsewhere.seen == []
    assert (await stage.ended())[0].outcome == "failed"


@pytest.mark.parametrize("version", [{}, LEGACY])
async def test_an_error_of_ours_names_the_request_that_it_answers(stage, version):
    async def instead(request, message):
        if message["method"] == "prompts/list":
            request.transport.abort()

    stage.server.instead = instead
    params = {} if version else {"_meta": META}
    message = {"jsonrpc": "2.0", "id": "p1", "method": "prompts/list", "params": params}
    headers = version or modern_headers("prompts/list")

    answer = await stage.post(json.dumps(message).encode(), headers)

    assert (answer.status, answer.json["id"], answer.error["code"]) == (502, "p1", -31007)


async def test_a_bug_of_ours_names_the_request_that_it_ended(stage, monkeypatch):
    monkeypatch.setattr(stage.gateway._passage, "_edited", "a bug")

    answer = await stage.post(LISTING, LEGACY)

    assert (answer.status, answer.json["id"], answer.error["code"]) == (500, 2, -32603)


async def test_a_server_that_refuses_our_credentials_is_an_error_of_ours(stage):
    stage.server.reply = answering(b"", status=401, headers={"WWW-Authenticate": "Bearer"})

    answer = await stage.call("read_file")

    assert (answer.status, answer.error["code"]) == (502, -31007)
    assert "WWW-Authenticate" not in answer.headers
    assert "credentials" in stage.gateway.troubles()[0]


async def test_a_list_of_tools_that_may_all_be_called_passes_byte_for_byte(stage):
    await stage.policy.activate("version: 1\n")
    async with stage.http.post(
        stage.server.url, data=LISTING, headers={"Content-Type": "application/json"}
    ) as answer:
        direct = await answer.read()

    ours = await stage.post(LISTING, LEGACY)

    assert ours.body == direct


@pytest.mark.parametrize(
    "method",
    ["ping", "prompts/list", "prompts/get", "resources/read", "logging/setLevel"],
)
async def test_known_methods_pass_without_a_decision(stage, method):
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {}}

    answer = await stage.post(json.dumps(message).encode(), LEGACY)

    assert answer.json == {"jsonrpc": "2.0", "id": 1, "result": {}}
    assert await stage.topics() == []


@pytest.mark.parametrize(
    "body",
    [
        b'{"jsonrpc":"2.0","method":"notifications/initialized"}',
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}',
        b'{"jsonrpc":"2.0","id":4,"result":{"roots":[]}}',
        b'{"jsonrpc":"2.0","id":"x","error":{"code":-1,"message":"no"}}',
    ],
)
async def test_notifications_and_answers_of_legacy_clients_pass(stage, body):
    answer = await stage.post(body, LEGACY | await begun_session(stage))

    assert (answer.status, answer.body) == (202, b"")
    assert stage.server.seen[-1][2] == body


async def test_a_session_belongs_to_the_agent_that_began_it(stage):
    stage.server.sessions = True
    begun = await stage.post(json.dumps(INITIALIZE).encode())
    session = begun.headers["Mcp-Session-Id"]

    own = await stage.post(LISTING, LEGACY | {"Mcp-Session-Id": session})
    at_server = stage.server.seen[-1][1]["Mcp-Session-Id"]
    count = len(stage.server.seen)
    foreign = await stage.post(LISTING, LEGACY | {"Mcp-Session-Id": session}, key=OTHER_BOT)
    raw = await stage.post(LISTING, LEGACY | {"Mcp-Session-Id": "raw session/1"})
    forged = await stage.post(LISTING, LEGACY | {"Mcp-Session-Id": session[:-1] + "-"})

    assert session != "raw session/1"
    assert session.isascii()
    assert (own.status, at_server) == (200, "raw session/1")
    assert {(a.status, a.error["code"], a.json["id"]) for a in (foreign, raw, forged)} == {
        (404, -31006, 2)
    }
    assert len(stage.server.seen) == count


async def test_every_answer_names_the_session_as_the_caller_knows_it(stage):
    stage.server.sessions = True
    begun = await stage.post(json.dumps(INITIALIZE).encode())
    session = {"Mcp-Session-Id": begun.headers["Mcp-Session-Id"]}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "read_file"}}

    listed = await stage.post(LISTING, LEGACY | session)
    called = await stage.post(json.dumps(call).encode(), LEGACY | session)

    assert listed.headers["Mcp-Session-Id"] == session["Mcp-Session-Id"]
    assert called.headers["Mcp-Session-Id"] == session["Mcp-Session-Id"]


async def test_a_refusal_begins_no_session(stage):
    # The official Python server names one where a stream is asked for without a session, and
    # some clients ask so beside `initialize`: they would take whichever id came last.
    async def instead(request, _message):
        refused = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no"}}
        return web.json_response(refused, status=400, headers={"Mcp-Session-Id": "another"})

    stage.server.instead = instead
    begun = await stage.post(json.dumps(INITIALIZE).encode())
    called = await stage.call("read_file", legacy=True)

    assert (begun.status, called.status) == (400, 400)
    assert "Mcp-Session-Id" not in begun.headers
    assert "Mcp-Session-Id" not in called.headers


async def test_an_empty_session_id_is_none(stage):
    async def instead(_request, message):
        if message["method"] != "initialize":
            return None
        told = {"jsonrpc": "2.0", "id": 0, "result": {"protocolVersion": "2025-11-25"}}
        return web.json_response(told, headers={"Mcp-Session-Id": ""})

    stage.server.instead = instead

    begun = await stage.post(json.dumps(INITIALIZE).encode())

    assert begun.status == 200
    assert "Mcp-Session-Id" not in begun.headers


async def test_a_session_survives_a_restart_of_the_gateway(sqlite_url):
    server = RawServer()
    server.sessions = True
    await server.start()
    async with staged(sqlite_url, server=server) as stage:
        begun = await stage.post(json.dumps(INITIALIZE).encode())
    async with staged(sqlite_url, server=server) as stage:
        session = {"Mcp-Session-Id": begun.headers["Mcp-Session-Id"]}

        answer = await stage.post(LISTING, LEGACY | session)
        async with stage.http.delete(
            f"{stage.url}/mcp/files",
            headers={"Authorization": f"Bearer {CI_BOT}", **LEGACY, **session},
        ) as ended:
            assert ended.status == 200

        assert answer.status == 200
        assert (server.seen[-1][0], server.seen[-1][1]["Mcp-Session-Id"]) == (
            "DELETE",
            "raw session/1",
        )
    await server.close()


async def test_the_servers_own_stream_passes_both_ways_and_ends_with_the_caller(stage):
    headers = {"Authorization": f"Bearer {CI_BOT}", "Accept": "text/event-stream", **LEGACY}
    before = stage.server.listeners

    async with stage.http.get(f"{stage.url}/mcp/files", headers=headers) as answer:

        async def open_now():
            return stage.server.listeners > before

        await until(open_now)
        stage.server.tell({"jsonrpc": "2.0", "method": "notifications/message"})
        heard = await answer.content.readline()

    async def closed_again():
        return stage.server.listeners == before

    await until(closed_again)
    assert heard == b'data: {"jsonrpc": "2.0", "method": "notifications/message"}\n'
    assert answer.headers["X-Accel-Buffering"] == "no"


async def test_other_http_methods_and_unknown_servers_are_refused(stage):
    headers = {"Authorization": f"Bearer {CI_BOT}"}
    async with stage.http.put(f"{stage.url}/mcp/files", headers=headers) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST, GET, DELETE")

    unknown = await stage.post(LISTING, LEGACY, server="nowhere")

    assert (unknown.status, unknown.error["code"]) == (404, -31005)


@pytest.mark.parametrize("path", ["/", "/mcp", "/mcp/files/", "//mcp/files", "/sse"])
async def test_an_address_of_nothing_says_where_servers_are(stage, path):
    headers = {"Authorization": f"Bearer {CI_BOT}"}
    async with stage.http.post(f"{stage.url}{path}", data=LISTING, headers=headers) as answer:
        told = await answer.json()

    assert (answer.status, told["error"]["code"]) == (404, -31005)
    assert "`/mcp/NAME`" in told["error"]["message"]


async def test_introductions_gain_a_line_on_approvals_and_nothing_else_changes(stage):
    begun = await stage.post(json.dumps(INITIALIZE).encode())
    discover = {"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": META}}

    found = await stage.post(json.dumps(discover).encode(), modern_headers("server/discover"))

    assert begun.json["result"].pop("instructions") == HINT
    assert begun.json["result"] == begun.json["result"]
    assert found.json["result"]["instructions"] == HINT
    declared = {"extensions": {"io.modelcontextprotocol/tasks": {}}}
    assert found.json["result"]["capabilities"] == declared
    assert "extensions" not in begun.json["result"]["capabilities"]


@pytest.mark.parametrize(
    ("headers", "key", "status", "code"),
    [
        ({}, None, 401, -31001),
        ({}, "wrong", 401, -31001),
        ({"Authorization": "Basic Y2k6Ym90"}, None, 401, -31001),
        ({"Authorization": CI_BOT}, None, 401, -31001),
        ({"Authorization": "Bearer"}, None, 401, -31001),
        ({"Host": "evil.example"}, CI_BOT, 403, -31002),
        ({"Host": "evil.example:8787"}, CI_BOT, 403, -31002),
        ({"Host": "localhost.evil.example"}, CI_BOT, 403, -31002),
        ({"Origin": "https://evil.example"}, CI_BOT, 403, -31002),
        ({"Origin": "null"}, CI_BOT, 403, -31002),
        ({"Origin": "http://localhost.evil.example"}, CI_BOT, 403, -31002),
        ({"Origin": "http://localhost@evil.example"}, CI_BOT, 403, -31002),
        ({"Host": "evil.example"}, None, 403, -31002),
    ],
)
async def test_strangers_are_refused_before_anything_is_read(stage, headers, key, status, code):
    count = len(stage.server.seen)

    answer = await stage.post(b"not even json", headers, key=key)

    assert (answer.status, answer.error["code"]) == (status, code)
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert len(stage.server.seen) == count


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "localhost:1"},
        {"Host": "[::1]:8787"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "http://127.0.0.1"},
        {"Authorization": f"bearer  {CI_BOT}"},
    ],
)
async def test_this_machine_may_call(stage, headers):
    answer = await stage.post(LISTING, LEGACY | headers)

    assert answer.status == 200


RELAYED = (
    *("Forwarded", "Forwarded-For", "X-Forwarded-For", "X-Forwarded-Host", "X_Forwarded_For"),
    *("X-Original-Forwarded-For", "X-Real-IP", "X-Client-IP", "True-Client-IP", "Via"),
    *("X-Cluster-Client-IP", "Fastly-Client-IP", "CF-Connecting-IP", "CF-Ray", "CDN-Loop"),
)
ANONYMOUS = "  guest: {team: platform, owner: alice, anonymous: true}"


async def test_a_declared_anonymous_agent_may_call_from_this_machine(sqlite_url):
    async with staged(sqlite_url, agents=ANONYMOUS, hold="0s") as stage:
        listed = await stage.post(LISTING, LEGACY, key=None)
        wrong = await stage.post(LISTING, LEGACY, key="wrong")
        relayed = [
            await stage.post(LISTING, LEGACY | {name: "1.2.3.4"}, key=None) for name in RELAYED
        ]
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "write_file"}}
        await stage.post(json.dumps(body).encode(), key=None)

        assert listed.status == 200
        assert wrong.status == 401
        assert {answer.status for answer in relayed} == {401}
        (approval,) = await stage.pending()
        assert approval.request.agent == "guest"
