"""A scan reaches servers over each transport, within bounds, and goes on where one fails."""

import asyncio
import contextlib
import json

import pytest
from aiohttp import web
from pydantic import SecretStr

from gateway.scan.scan_targets import Reaching, Target, target_of
from gateway.scan.scanning import look_at
from policies.configuration.client_files import ReachedServer, StartedServer, UnusableServer
from policies.scans.scan_findings import findings

TOOLS = [{"name": "read_it"}, {"name": "delete_it"}]
PATIENCE = 30.0


class OldServer:
    """Speaks HTTP+SSE, the transport of 2024-11-05, as servers of that time did."""

    endpoint = "/messages?session=1"

    def __init__(self):
        self.stream = None
        self.methods = []
        self.headers = []

    async def events(self, request):
        self.headers.append(request.headers.get("Authorization"))
        self.stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await self.stream.prepare(request)
        await self.stream.write(f"event: endpoint\ndata: {self.endpoint}\n\n".encode())
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return self.stream

    async def posted(self, request):
        assert request.query_string == "session=1"
        self.headers.append(request.headers.get("Authorization"))
        message = await request.json()
        self.methods.append(message["method"])
        if "id" in message:
            told = {"jsonrpc": "2.0", "id": message["id"], "result": self.result(message)}
            await self.stream.write(f"event: message\ndata: {json.dumps(told)}\n\n".encode())
        return web.Response(status=202)

    def result(self, message):
        if message["method"] == "tools/list":
            return {"tools": TOOLS}
        return {"protocolVersion": "2024-11-05", "capabilities": {}, "serverInfo": {}}


class NewServer(OldServer):
    """Speaks streamable HTTP; `pages` says how many pages its list has."""

    pages = 3

    async def posted(self, request):
        message = await request.json()
        self.methods.append(message["method"])
        if message["method"] == "server/discover":
            return web.json_response({"jsonrpc": "2.0", "id": 1, "error": {"code": -32601}})
        if "id" not in message:
            return web.Response(status=202)
        told = {"jsonrpc": "2.0", "id": message["id"], "result": self.result(message)}
        return web.json_response(told)

    def result(self, message):
        if message["method"] != "tools/list":
            return super().result(message)
        page = int(message["params"].get("cursor", 0))
        more = {"nextCursor": str(page + 1)} if page + 1 < self.pages else {}
        return {"tools": [{"name": f"read_{page}"}], **more}


@pytest.fixture
async def listening():
    """Serve applications on loopback; return what gives their addresses."""
    runners = []

    async def serve(server):
        application = web.Application()
        application.router.add_get("/sse", server.events)
        application.router.add_post("/messages", server.posted)
        application.router.add_post("/mcp", server.posted)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield serve
    for runner in runners:
        await runner.cleanup()


def reached(url, **more):
    return target_of("s", ReachedServer("s", url, **more), Reaching({}, (), PATIENCE))


async def looked(*targets, patience=PATIENCE):
    return [each.server for each in await look_at(targets, (), patience, lambda _: None)]


async def test_a_server_of_the_old_transport_is_found_out_and_listed(listening):
    server = OldServer()
    url = await listening(server)

    (seen,) = await looked(reached(f"{url}/sse"))

    assert {each.tool.name: each.risk.risk.value for each in seen.tools} == {
        "read_it": "read",
        "delete_it": "destructive",
    }
    assert server.methods == ["initialize", "notifications/initialized", "tools/list"]


async def test_the_credentials_go_along_over_the_old_transport(listening):
    server = OldServer()
    url = await listening(server)
    key = {"Authorization": SecretStr("Bearer abc")}

    await looked(reached(f"{url}/sse", headers=key, old=True))

    assert set(server.headers) == {"Bearer abc"}


async def test_an_endpoint_at_another_address_is_not_used(listening):
    server = OldServer()
    server.endpoint = "http://127.0.0.2:9/messages"
    url = await listening(server)

    (seen,) = await looked(reached(f"{url}/sse", old=True))

    assert "names an endpoint at another address" in seen.failure
    assert server.methods == []


async def test_every_page_of_a_list_is_asked_for(listening):
    url = await listening(NewServer())

    (seen,) = await looked(reached(f"{url}/mcp"))

    assert [each.tool.name for each in seen.tools] == ["read_0", "read_1", "read_2"]


async def test_a_list_without_end_is_given_up(listening):
    server = NewServer()
    server.pages = 10**9
    url = await listening(server)

    (seen,) = await looked(reached(f"{url}/mcp"), patience=120)

    assert seen.tools == ()
    assert "more than 1000 pages" in seen.failure


async def test_one_server_that_fails_costs_itself_only(listening):
    url = await listening(NewServer())
    reaching = Reaching({"PATH": "/usr/bin:/bin"}, (), PATIENCE)

    good, wrong, none, unusable, empty = await looked(
        reached(f"{url}/mcp"),
        reached(f"{url}/nowhere"),
        target_of("none", StartedServer("none", ("/nonexistent",)), reaching),
        target_of("bad", UnusableServer("bad", "it has no `url`"), reaching),
        Target("empty"),
    )

    assert len(good.tools) == 3
    assert "nor does it answer over HTTP+SSE" in wrong.failure
    assert "it cannot be started" in none.failure
    assert unusable.failure == "`bad`: it has no `url`"
    assert empty.failure == "there is no way to it"


async def test_a_server_that_says_nothing_is_given_up_in_time():
    reaching = Reaching({"PATH": "/usr/bin:/bin"}, (), PATIENCE)
    silent = target_of("silent", StartedServer("silent", ("sleep", "60")), reaching)

    (seen,) = await looked(silent, patience=1.0)

    assert seen.failure == "it did not list its tools within 1 s"


async def test_what_cannot_be_used_of_a_list_is_told(listening):
    server = OldServer()
    listed = [
        {"name": "read_it"},
        {"name": "twice", "description": "one"},
        {"name": "twice", "description": "other"},
        {"name": ""},
        {"name": 5},
        "x",
        {"name": "large", "description": "x" * 1024 * 1024},
    ]
    server.result = lambda message: (
        {"tools": listed} if message["method"] == "tools/list" else {"capabilities": {}}
    )
    url = await listening(server)

    (seen,) = await looked(reached(f"{url}/sse", old=True))

    assert [each.tool.name for each in seen.tools] == ["read_it"]
    assert seen.ambiguous == ["twice"]
    assert seen.unusable == 4
    assert {each.kind for each in findings([seen])} == {"listed-twice", "unusable-tool"}
