"""The bridge: one stdio server, many callers of both eras."""

import asyncio
import json
from contextlib import aclosing

import pytest
from bridging import bridged, legacy, modern, raw, said, state, told, tool

from gateway.servers.synthesis import Introduction, modern_result
from gateway.started.bridge import Bridge
from gateway.upstreams import Era, Upstream, UpstreamAnswer, UpstreamFailed

RAW = '{ "content":[], "b":1.0,"a":100.00000000000000000001,"a2":"\\u00e9 é","c":{"z":1,"a":2} }'
SHARED = {"tools": {"listChanged": True}, "resources": {"subscribe": True}}
"""What the server is capable of for all its callers at once."""


@pytest.fixture
async def bridge():
    async with bridged() as bridge:
        yield bridge


async def until(bridge: Bridge, cancelled: int) -> list[int]:
    """Return what the server was told is cancelled, once it is that many."""
    while True:
        found = (await state(bridge))["cancelled"]
        if len(found) >= cancelled:
            return found


async def events(answer: UpstreamAnswer) -> list[dict]:
    assert answer.stream is not None
    async with aclosing(answer.stream) as stream:
        return [told(event) async for event in stream]


async def test_a_bridge_is_an_upstream(bridge):
    upstream: Upstream = bridge

    await upstream.forward(legacy("ping"))

    assert upstream.trouble() is None


async def test_a_result_passes_byte_for_byte(bridge):
    answer = await bridge.forward(legacy("tools/call", tool("raw"), number="x-1"))

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.body == f'{{"jsonrpc":"2.0","id":"x-1","result":{RAW}}}'.encode()


async def test_a_result_for_2026_07_28_gets_members_in_front_and_no_other_change(bridge):
    answer = await bridge.forward(modern("tools/call", tool("raw")))

    assert answer.body is not None
    assert answer.body.decode() == (
        '{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete",'
        '"_meta":{"io.modelcontextprotocol/serverInfo":{"name": "odd", "version": "1"}},'
        f"{RAW[1:]}}}"
    )


async def test_params_reach_the_server_byte_for_byte_but_for_the_progress_token(bridge):
    params = (
        '{"_meta": {"x":1.0, "progressToken":\t"mine", "é":"\\u00e9"},\n "name":"line",'
        '"arguments":{"progressToken":"mine","n":100.00000000000000000001,"b":[ 1,2 ]} }'
    )
    body = f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}'

    answer = await bridge.forward(raw(body.encode(), session="s"))

    line = said(answer)["result"]["line"]
    number = json.loads(line)["id"]
    expected = params.replace('"mine"', str(number), 1).replace("\n", " ")
    assert line == (
        f'{{"jsonrpc":"2.0","id":{number},"method":"tools/call","params":{expected}}}\n'
    )


async def test_what_2026_07_28_puts_into_meta_is_not_for_a_server_with_sessions(bridge):
    params = {**tool("line", a=1), "_meta": {"traceparent": "00-1", "progressToken": 5}}

    answer = await bridge.forward(modern("tools/call", params))

    line = json.loads(said(answer)["result"]["line"])
    assert line["params"]["_meta"] == {"traceparent": "00-1", "progressToken": line["id"]}
    assert line["params"]["arguments"] == {"a": 1}


async def test_equal_ids_of_several_callers_do_not_meet(bridge):
    stalled = asyncio.create_task(bridge.forward(legacy("tools/call", tool("stall"), session="a")))

    answers = await asyncio.gather(
        *[
            bridge.forward(legacy("tools/call", tool("line", n=n), session=f"s{n}"))
            for n in range(30)
        ]
    )

    lines = [json.loads(said(answer)["result"]["line"]) for answer in answers]
    assert [line["params"]["arguments"]["n"] for line in lines] == list(range(30))
    assert len({line["id"] for line in lines}) == 30
    stalled.cancel()


async def test_progress_goes_to_its_caller_under_its_own_token(bridge):
    callers = [
        bridge.forward(
            legacy("tools/call", {**tool("progress"), "_meta": {"progressToken": token}}, session=s)
        )
        for s, token in (("a", "same"), ("b", "same"), ("c", 7))
    ]

    first, second, third = [await events(answer) for answer in await asyncio.gather(*callers)]

    for heard, token in ((first, "same"), (second, "same"), (third, 7)):
        assert heard == [
            *[
                {
                    "jsonrpc": "2.0",
                    "method": "notifications/progress",
                    "params": {"progressToken": token, "progress": step},
                }
                for step in range(3)
            ],
            {"jsonrpc": "2.0", "id": 1, "result": {"content": []}},
        ]


async def test_progress_nobody_asked_for_goes_nowhere(bridge):
    answer = await bridge.forward(legacy("tools/call", tool("late-progress")))

    assert said(answer) == {"jsonrpc": "2.0", "id": 1, "result": {"content": []}}
    assert (await state(bridge))["cancelled"] == []


async def test_a_caller_that_takes_no_stream_gets_the_answer_alone(bridge):
    request = legacy("tools/call", {**tool("progress"), "_meta": {"progressToken": 1}})
    request.headers["Accept"] = "application/json"

    answer = await bridge.forward(request)

    assert said(answer)["result"] == {"content": []}


async def test_a_caller_that_goes_away_cancels_its_call_and_no_other(bridge):
    other = asyncio.create_task(bridge.forward(legacy("tools/call", tool("stall"), session="b")))
    gone = asyncio.create_task(bridge.forward(modern("tools/call", tool("stall"))))
    await state(bridge)

    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)

    cancelled = await until(bridge, 1)
    assert len(cancelled) == 1
    assert not other.done()
    other.cancel()


async def test_a_stream_given_up_cancels_its_call(bridge):
    params = {**tool("progress-then-stall"), "_meta": {"progressToken": 1}}
    answer = await bridge.forward(legacy("tools/call", params))
    assert answer.stream is not None

    await answer.stream.__anext__()
    await answer.stream.aclose()

    assert len(await until(bridge, 1)) == 1


async def test_a_cancellation_reaches_the_call_of_the_same_session_only(bridge):
    mine = asyncio.create_task(bridge.forward(legacy("tools/call", tool("stall"), session="a")))
    other = asyncio.create_task(bridge.forward(legacy("tools/call", tool("stall"), session="b")))
    await state(bridge)

    accepted = await bridge.forward(
        legacy("notifications/cancelled", {"requestId": 1}, session="a", number=None)
    )

    assert accepted.status == 202
    with pytest.raises(UpstreamFailed, match="cancelled by its caller") as failed:
        await mine
    assert failed.value.sent
    assert len(await until(bridge, 1)) == 1
    assert not other.done()
    other.cancel()


async def test_a_cancellation_of_what_is_not_there_is_accepted(bridge):
    for params in ({}, {"requestId": None}, {"requestId": {"a": 1}}, {"requestId": 99}):
        answer = await bridge.forward(legacy("notifications/cancelled", params, number=None))

        assert answer.status == 202


async def test_the_server_may_ping_and_ask_for_nothing_else(bridge):
    await bridge.forward(legacy("tools/call", tool("ask")))

    assert (await state(bridge))["answers"] == [
        {"jsonrpc": "2.0", "id": "p1", "result": {}},
        {
            "jsonrpc": "2.0",
            "id": 7,
            "error": {"code": -32601, "message": "not offered to this server"},
        },
    ]


async def test_the_server_is_offered_nothing_and_introduced_once(bridge):
    first = said(await bridge.forward(legacy("initialize", {"protocolVersion": "2025-11-25"})))
    second = said(await bridge.forward(legacy("initialize", {"protocolVersion": "2025-11-25"})))

    assert first == second
    assert first["result"]["asked"] == {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "placet", "version": "1"},
    }


@pytest.mark.parametrize(
    ("asked", "speaks", "answered"),
    [
        ("2025-03-26", "2025-11-25", "2025-03-26"),
        ("2025-11-25", "2025-11-25", "2025-11-25"),
        ("2025-11-25", "2025-06-18", "2025-06-18"),
        ("2024-11-05", "2025-11-25", "2024-11-05"),
        ("1999-01-01", "2025-11-25", "2025-11-25"),
        (None, "2025-11-25", "2025-11-25"),
    ],
)
async def test_a_caller_gets_a_version_that_the_server_speaks(asked, speaks, answered):
    async with bridged(VERSION=speaks) as bridge:
        answer = await bridge.forward(legacy("initialize", {"protocolVersion": asked}, session=""))

    result = said(answer)["result"]
    assert result["protocolVersion"] == answered
    assert result["serverInfo"] == {"name": "odd", "version": "1"}
    assert result["instructions"] == "be careful"
    assert result["capabilities"] == SHARED
    assert answer.headers["Mcp-Session-Id"].isalnum()


async def test_each_session_has_an_id_of_its_own(bridge):
    ids = {
        (await bridge.forward(legacy("initialize", {}))).headers["Mcp-Session-Id"] for _ in range(5)
    }

    assert len(ids) == 5


async def test_a_request_without_a_session_is_refused_and_one_of_an_ended_session_too(bridge):
    missing = await bridge.forward(legacy("tools/list", session=""))
    ended = await bridge.forward(raw(b"", session="s9", method="DELETE"))
    late = await bridge.forward(legacy("tools/list", session="s9"))
    again = await bridge.forward(raw(b"", session="s9", method="GET"))

    assert (missing.status, ended.status, late.status, again.status) == (400, 200, 404, 404)
    assert said(late)["error"]["message"] == "the session has ended; initialize a new one"


async def test_notifications_and_answers_of_callers_stay_here(bridge):
    for body in (
        b'{"jsonrpc":"2.0","method":"notifications/initialized"}',
        b'{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}',
        b'{"jsonrpc":"2.0","method":"tools/call","params":{"name":"die"}}',
        b'{"jsonrpc":"2.0","id":1,"result":{}}',
    ):
        answer = await bridge.forward(raw(body, session="s"))

        assert answer.status == 202
        assert answer.body == b""
    assert (await state(bridge))["answers"] == []


@pytest.mark.parametrize(
    "method",
    ["tasks/list", "tasks/get", "sampling/createMessage", "x", "initialise", "logging/setLevel"],
)
async def test_methods_a_shared_server_cannot_have_are_refused(bridge, method):
    old = await bridge.forward(legacy(method))
    new = await bridge.forward(modern(method))

    assert old.status == 200
    assert new.status == 404
    assert said(old)["error"]["code"] == said(new)["error"]["code"] == -32601


@pytest.mark.parametrize(
    "method", ["ping", "initialize", "logging/setLevel", "resources/subscribe"]
)
async def test_methods_of_sessions_are_unknown_to_2026_07_28(bridge, method):
    answer = await bridge.forward(modern(method))

    assert answer.status == 404
    assert said(answer)["error"]["code"] == -32601


async def test_a_call_as_a_task_is_one_as_any_other(bridge):
    answer = await bridge.forward(legacy("tools/call", {**tool("line"), "task": {"ttl": 1}}))

    received = json.loads(said(answer)["result"]["line"])
    assert received["params"] == tool("line")


async def test_calls_are_tasks_of_a_server_that_declares_them_in_the_era_that_has_them():
    params = {**tool("count"), "task": {"ttl": 1}}
    async with bridged("tasking_server.py") as bridge:
        introduced = await bridge.forward(legacy("initialize"))
        discovered = await bridge.forward(modern("server/discover"))
        old = await bridge.forward(legacy("tools/call", params))
        new = await bridge.forward(modern("tools/call", params))

    assert "tasks" in said(introduced)["result"]["capabilities"]
    assert "tasks" not in said(discovered)["result"]["capabilities"]
    assert said(old)["result"]["task"] == {"taskId": "task-1", "status": "working", "ttl": 1}
    assert said(new)["result"]["isError"]


@pytest.mark.parametrize("method", ["tasks/get", "tasks/result", "tasks/cancel"])
async def test_requests_about_tasks_reach_a_server_that_declares_them(method):
    async with bridged("tasking_server.py") as bridge:
        old = await bridge.forward(legacy(method, {"taskId": "task-1"}))
        new = await bridge.forward(modern(method, {"taskId": "task-1"}))

    assert said(old)["result"] == {"asked": method, "params": {"taskId": "task-1"}}
    assert (new.status, said(new)["error"]["code"]) == (404, -32601)


async def test_errors_pass_with_the_status_of_their_era(bridge):
    old = await bridge.forward(legacy("tools/call", tool("unknown")))
    new = await bridge.forward(modern("tools/call", tool("unknown")))
    missing = await bridge.forward(modern("prompts/list"))

    lacking = await bridge.forward(modern("tools/call", tool("lacking")))

    assert (old.status, new.status, missing.status) == (200, 400, 404)
    assert (lacking.status, said(lacking)["error"]["code"]) == (200, -32601)
    assert said(old) == said(new)
    assert said(old)["error"] == {"code": -32602, "message": "unknown tool", "data": {"n": 1}}


async def test_a_resource_that_is_not_found_has_the_code_of_its_era(bridge):
    old = await bridge.forward(legacy("resources/read", {"uri": "x"}))
    new = await bridge.forward(modern("resources/read", {"uri": "x"}))

    assert said(old)["error"]["code"] == -32002
    assert said(new)["error"] == {"code": -32602, "message": "no such resource"}
    assert new.status == 400


async def test_discovery_is_made_of_what_the_server_said(bridge):
    answer = await bridge.forward(modern("server/discover"))

    assert said(answer)["result"] == {
        "resultType": "complete",
        "ttlMs": 5000,
        "cacheScope": "private",
        "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "odd", "version": "1"}},
        "supportedVersions": ["2026-07-28"],
        "capabilities": SHARED,
        "instructions": "be careful",
    }


@pytest.mark.parametrize(
    "method",
    ["tools/list", "prompts/list", "resources/list", "resources/templates/list", "resources/read"],
)
def test_what_a_server_lists_or_reads_out_may_not_be_kept_unless_it_says_so(method):
    introduction = Introduction("{}", "2025-11-25", "{}", None, None)

    silent = json.loads(modern_result(method, "{}", introduction))
    outspoken = json.loads(modern_result(method, '{"ttlMs":9}', introduction))

    assert (silent["ttlMs"], silent["cacheScope"]) == (0, "private")
    assert outspoken["ttlMs"] == 9


async def test_the_list_of_tools_may_not_be_kept(bridge):
    answer = await bridge.forward(modern("tools/list"))

    result = said(answer)["result"]
    assert (result["ttlMs"], result["cacheScope"], result["nextCursor"]) == (0, "private", "")


async def test_a_version_nobody_knows_is_refused_with_those_that_are(bridge):
    request = modern(
        "tools/list", {"_meta": {"io.modelcontextprotocol/protocolVersion": "2031-01-01"}}
    )

    answer = await bridge.forward(request)

    assert answer.status == 400
    assert said(answer)["error"]["code"] == -32022
    assert said(answer)["error"]["data"] == {"supported": ["2026-07-28"], "requested": "2031-01-01"}


async def test_streams_and_ends_of_sessions_are_unknown_to_2026_07_28(bridge):
    for method in ("GET", "DELETE"):
        answer = await bridge.forward(raw(b"", era=Era.MODERN, method=method, session="s"))

        assert answer.status == 405
