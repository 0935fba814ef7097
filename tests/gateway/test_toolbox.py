"""How the gateway learns which tools a server has."""

import asyncio
import gzip
import json

import pytest
from aiohttp import web
from gateway_stage import META, RawServer, modern_headers, staged, until

LISTING = b'{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{}}'


async def seen(stage):
    return {tool.tool: tool for tool in await stage.ledger.tools("files") if tool.listed}


async def test_tools_are_learned_at_start_with_the_hash_of_the_whole_definition(ledger_url):
    async with staged(ledger_url) as stage:
        tools = await seen(stage)

        assert set(tools) == {"read_file", "write_file", "drop_table"}
        assert json.loads(tools["read_file"].definition) == stage.server.tools[0]
        assert len(tools["read_file"].hash) == 64


async def test_a_server_that_is_down_at_start_is_asked_until_it_is_there(sqlite_url, free_port):
    server = RawServer()
    server.url = f"http://127.0.0.1:{free_port}/mcp"
    async with staged(sqlite_url, server=server, known=False) as stage:
        early = await stage.call("read_file")
        troubles = stage.gateway.troubles()
        await server.start(free_port)

        async def there():
            answer = await stage.call("read_file")
            return answer if answer.status == 200 else None

        answer = await until(there)
        await until(lambda: nothing_wrong(stage))

        assert (early.status, early.error["code"]) == (503, -31007)
        assert "nothing was executed" in early.error["message"]
        assert "files" in troubles[0]
        assert answer.text == "done: read_file"
    await server.close()


async def nothing_wrong(stage):
    return stage.gateway.troubles() == []


async def test_an_announced_change_is_learned(sqlite_url):
    async with staged(sqlite_url) as stage:
        stage.server.tools.append({"name": "read_more", "inputSchema": {}})
        stage.server.tools.pop(0)

        stage.server.tell({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})

        async def learned():
            return set(await seen(stage)) == {"write_file", "drop_table", "read_more"}

        await until(learned)
        gone = await stage.call("read_file")
        assert "does not list" in gone.text


async def test_a_server_that_is_back_is_known_to_be_without_a_call(sqlite_url, monkeypatch):
    monkeypatch.setattr("gateway.tools.toolbox._BRIEFLY", 0.05)
    async with staged(sqlite_url) as stage:

        async def broken(_, request):
            request.transport.abort()
            return web.Response()

        stage.server.reply = broken
        await stage.call("read_file")
        assert "broke off" in stage.gateway.troubles()[0]

        await until(lambda: nothing_wrong(stage))
        assert len(stage.server.calls()) == 1


async def test_a_server_that_announces_changes_without_end_is_asked_once_a_second(sqlite_url):
    async with staged(sqlite_url) as stage:
        before = len(stage.server.seen)
        for _ in range(2000):
            stage.server.tell({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        stage.server.tools.append({"name": "read_more", "inputSchema": {}})

        async def learned():
            return "read_more" in await seen(stage)

        await until(learned)
        assert len(stage.server.seen) - before <= 3


async def test_a_tool_that_is_not_known_is_looked_for_before_it_is_denied(sqlite_url):
    async with staged(sqlite_url) as stage:
        denied = await stage.call("read_new")
        stage.server.tools.append({"name": "read_new", "inputSchema": {}})

        async def found():
            answer = await stage.call("read_new")
            return answer.told["status"] == "pending"  # it is new, and nobody accepted it yet

        await until(found)
        assert "does not list" in denied.text


async def test_many_unknown_tools_do_not_make_many_questions(sqlite_url):
    async with staged(sqlite_url) as stage:
        before = len(stage.server.seen)

        await asyncio.gather(*(stage.call(f"unknown_{n}", number=n) for n in range(30)))

        assert len(stage.server.seen) - before <= 3


async def test_definitions_in_a_list_that_passes_are_learned(sqlite_url):
    async with staged(sqlite_url) as stage:
        stage.server.tools[1]["description"] = "Writes; now to somewhere else."

        await stage.post(LISTING)

        async def learned():
            return "elsewhere" in (await seen(stage))["write_file"].definition or (
                "somewhere else" in (await seen(stage))["write_file"].definition
            )

        await until(learned)
        assert set(await seen(stage)) == {"read_file", "write_file", "drop_table"}


def numbered(first, last):
    return [{"name": f"t{number}", "inputSchema": {}} for number in range(first, last)]


async def test_more_tools_than_5000_are_not_learned_and_cost_nobody_else_much(sqlite_url):
    server = RawServer()
    server.tools = numbered(0, 5001)
    await server.start()
    async with staged(sqlite_url, server=server, known=False) as stage:

        async def told_so():
            return any("more than 5000 tools" in trouble for trouble in stage.gateway.troubles())

        await until(told_so)
        called, listed = await stage.call("t1"), await stage.post(LISTING)

        assert (called.status, called.error["code"]) == (503, -31007)
        assert "has more than 5000 tools" in listed.error["message"]
        assert await seen(stage) == {}
        server.tools = numbered(0, 3)
        await until(lambda: nothing_wrong(stage))
        assert set(await seen(stage)) == {"t0", "t1", "t2"}
    await server.close()


async def test_lists_that_name_others_each_time_are_not_learned_beyond_5000_tools(sqlite_url):
    async with staged(sqlite_url) as stage:
        before = stage.server.tools
        stage.server.tools = numbered(0, 4000)
        await stage.post(LISTING)
        stage.server.tools = numbered(4000, 8000)

        listed = await stage.post(LISTING)

        assert "listed more than 5000 tools" in listed.error["message"]
        assert len(await seen(stage)) == len(before) + 4000


async def test_a_name_that_is_listed_twice_with_two_meanings_is_no_tool(sqlite_url):
    server = RawServer()
    server.tools.append({"name": "read_file", "description": "Deletes.", "inputSchema": {}})
    await server.start()
    async with staged(sqlite_url, server=server) as stage:
        answer = await stage.call("read_file")

        assert "does not list" in answer.text
        assert server.calls() == []
    await server.close()


class Paged(RawServer):
    """Lists one tool a page, over a session, and knows the old protocol only."""

    async def _result(self, message, request):
        if message["method"] == "server/discover":
            return web.Response(status=400, text="what?")
        if message["method"] != "tools/list":
            return await super()._result(message, request)
        at = int(message["params"].get("cursor", "0"))
        result = {"tools": [self.tools[at]]}
        if at + 1 < len(self.tools):
            result["nextCursor"] = str(at + 1)
        text = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result})
        return web.Response(
            body=f": ping\r\n\r\nevent: message\r\ndata: {text}\r\n\r\n".encode(),
            headers={"Content-Type": "text/event-stream"},
        )


async def test_a_legacy_server_is_asked_in_a_session_over_all_pages(sqlite_url):
    server = Paged()
    server.sessions = True
    await server.start()
    async with staged(sqlite_url, server=server) as stage:
        tools = await seen(stage)
        asked = [headers for method, headers, _ in server.seen if method == "GET"]

        assert set(tools) == {"read_file", "write_file", "drop_table"}
        assert asked[0]["Mcp-Session-Id"] == "raw session/1"
        assert asked[0]["MCP-Protocol-Version"] == "2025-11-25"
        assert asked[0]["Authorization"] == "Bearer upstream-secret"
    assert server.seen[-1][0] == "DELETE"
    await server.close()


def odd_one(answer):
    """Return what answers like this to what it does not know, which is `server/discover`."""

    class OddOne(RawServer):
        async def _result(self, message, request):
            if message["method"] == "server/discover":
                return await answer(request)
            return await super()._result(message, request)

    return OddOne()


async def as_a_page(_):
    return web.Response(text="<html>", content_type="text/html")


async def as_another_protocol(_):
    return web.json_response({"detail": "Not Found"})


async def as_a_stranger(_):
    return web.Response(status=401)


async def by_hanging_up(request):
    request.transport.abort()
    await asyncio.sleep(60)


async def by_saying_nothing(_):
    await asyncio.sleep(60)


@pytest.mark.parametrize(
    "answer", [as_a_page, as_another_protocol, as_a_stranger, by_hanging_up, by_saying_nothing]
)
async def test_whatever_a_legacy_server_makes_of_a_modern_request_it_is_initialized(
    sqlite_url, answer, monkeypatch
):
    monkeypatch.setattr("gateway.tools.conversations._PROBING_SECONDS", 0.2)
    server = odd_one(answer)
    await server.start()
    async with staged(sqlite_url, server=server) as stage:
        assert set(await seen(stage)) == {"read_file", "write_file", "drop_table"}
    await server.close()


async def test_what_cannot_be_initialized_either_is_told_by_what_came_first(sqlite_url):
    class Neither(RawServer):
        async def _result(self, *_):
            return await as_a_page(None)

    server = Neither()
    await server.start()
    async with staged(sqlite_url, server=server, known=False) as stage:
        answer = await stage.call("read_file")

        assert "it does not answer in strict JSON" in answer.error["message"]
    await server.close()


async def test_the_error_that_a_list_is_answered_with_is_told_to_those_who_run_placet(sqlite_url):
    class Broken(RawServer):
        async def _result(self, message, request):
            if message["method"] != "tools/list":
                return await super()._result(message, request)
            error = {"code": -32603, "message": "no schema at /srv/tools.json"}
            return web.json_response({"jsonrpc": "2.0", "id": message["id"], "error": error})

    server = Broken()
    await server.start()
    async with staged(sqlite_url, server=server, known=False) as stage:
        answer = await stage.call("read_file")

        said = "the server `files`: `tools/list` was answered with an error"
        assert stage.gateway.troubles() == [f"{said}: `no schema at /srv/tools.json`"]
        assert said in answer.error["message"]
        assert "/srv" not in answer.error["message"]
    await server.close()


async def test_a_list_that_comes_packed_is_not_read_and_it_says_so(sqlite_url):
    class Packed(Paged):
        async def _result(self, message, request):
            answer = await super()._result(message, request)
            if message["method"] == "tools/list":
                answer.body = gzip.compress(answer.body)
                answer.headers["Content-Encoding"] = "gzip"
            return answer

    server = Packed()
    await server.start()
    async with staged(sqlite_url, server=server, known=False) as stage:
        answer = await stage.call("read_file")

        assert "its answer is packed, although that was not asked for" in answer.error["message"]
    await server.close()


class Endless(Paged):
    """Names a next page on its last one: an empty cursor, which leads to it again."""

    async def _result(self, message, request):
        if message["method"] != "tools/list":
            return await super()._result(message, request)
        first = "cursor" not in message["params"]
        result = {"tools": self.tools[:1] if first else self.tools[1:], "nextCursor": ""}
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": result})


async def test_a_list_that_leads_to_its_last_page_again_is_over(sqlite_url):
    server = Endless()
    await server.start()
    async with staged(sqlite_url, server=server) as stage:
        assert set(await seen(stage)) == {"read_file", "write_file", "drop_table"}
    await server.close()


class Choosy(Paged):
    """Lists a tool only to clients that can be asked, and asks before it lists anything."""

    def __init__(self):
        super().__init__()
        self.tools = self.tools[:1]

    async def _result(self, message, request):
        if message["method"] == "initialize" and "sampling" in message["params"]["capabilities"]:
            self.tools.append({"name": "read_mind", "inputSchema": {"type": "object"}})
        answer = await super()._result(message, request)
        if message["method"] == "tools/list":
            asked = [
                {"jsonrpc": "2.0", "id": number, "method": method}
                for number, method in (
                    (1, "ping"),
                    ("r", "roots/list"),
                    (3, "sampling/createMessage"),
                )
            ]
            asked.append({"jsonrpc": "2.0", "method": "notifications/message", "params": {}})
            events = "".join(f"data: {json.dumps(message)}\n\n" for message in asked)
            answer.body = events.encode() + answer.body
        return answer


async def test_what_a_server_lists_to_capable_clients_only_is_learned_and_its_questions_answered(
    sqlite_url,
):
    server = Choosy()
    server.sessions = True
    await server.start()
    async with staged(sqlite_url, server=server) as stage:
        tools = await seen(stage)
        await until(lambda: listening(server))
        before = len(told(server))
        server.tell({"jsonrpc": "2.0", "id": 9, "method": "ping"})
        await until(lambda: more(server, before))

        assert set(tools) == {"read_file", "read_mind"}
        assert told(server)[:2] == [
            {"jsonrpc": "2.0", "id": 1, "result": {}},
            {"jsonrpc": "2.0", "id": "r", "result": {"roots": []}},
        ]
        assert (told(server)[2]["id"], told(server)[2]["error"]["code"]) == (3, -32601)
        assert told(server)[before] == {"jsonrpc": "2.0", "id": 9, "result": {}}
    await server.close()


def told(server):
    """Return the answers that the server was given to its questions."""
    messages = [json.loads(body) for _, _, body in server.seen if body]
    return [message for message in messages if "method" not in message]


async def listening(server):
    return server.listeners


async def more(server, before):
    return len(told(server)) > before


@pytest.mark.parametrize("pages", ["tools", "modern"])
async def test_pages_pass_with_their_cursor_untouched(sqlite_url, pages):
    async with staged(sqlite_url) as stage:
        params = {"cursor": "\u2713 opaque"} | ({"_meta": META} if pages == "modern" else {})
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params})
        headers = modern_headers("tools/list") if pages == "modern" else {}

        await stage.post(body.encode(), headers)

        assert stage.server.seen[-1][2] == body.encode()


@pytest.mark.parametrize(
    "answer",
    [
        b'{"jsonrpc":"2.0","id":1,"result":{"tools":"none"}}',
        b'{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a","name":"b"}]}}',
        b'{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a","x":NaN}]}}',
        b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"no"}}',
        b"<html>",
        b"",
    ],
)
async def test_a_list_that_cannot_be_read_strictly_means_no_calls(sqlite_url, answer):
    class Odd(RawServer):
        async def _result(self, message, request):
            if message["method"] != "tools/list":
                return await super()._result(message, request)
            return web.Response(body=answer, content_type="application/json")

    server = Odd()
    await server.start()
    async with staged(sqlite_url, server=server, known=False) as stage:

        async def tried():
            return "not learned yet" not in stage.gateway.troubles()[0]

        await until(tried)
        refused = await stage.call("read_file")

        assert (refused.status, refused.error["code"]) == (503, -31007)
        assert server.calls() == []
    await server.close()
