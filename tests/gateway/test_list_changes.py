"""Agents hear that their list of tools is another one, in both eras and on every replica."""

import asyncio
import contextlib
import json
import sys
import uuid

import pytest
import standing_streams
from aiohttp import web
from gateway_stage import CI_BOT, META, OTHER_BOT, RawServer, modern_headers, staged, until

from gateway.wire.event_blocks import EventBlocks, data_of
from ledger.deciding.accepting import AcceptTools
from ledger.lives.tools import SeeTools

POLICY = """\
version: 1
default: allow
rules:
  - {name: no-drops, match: {tool: "drop_*"}, effect: deny}
"""
HIDING = POLICY.replace("rules:", 'hide: ["files/write_*"]\nrules:')
HIDING_FROM_OTHER = POLICY + (
    "  - {name: not-you, match: {tool: write_file, agent: other-bot}, effect: deny}\n"
)
SAME_LIST = POLICY + "  - {name: asked, match: {tool: write_file}, effect: require_approval}\n"
CHANGED = "notifications/tools/list_changed"
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
LEGACY = {"MCP-Protocol-Version": "2025-11-25"}
ASKS = {"notifications": {"toolsListChanged": True}}


class Heard:
    """What one caller hears on its stream, message by message."""

    def __init__(self, response):
        self.response = response
        self.messages = []
        self.reading = asyncio.create_task(self._read())

    async def _read(self):
        blocks = EventBlocks()
        async for chunk in self.response.content.iter_any():
            for block in blocks.feed(chunk):
                if (said := data_of(block)) is not None:
                    self.messages.append(json.loads(said))

    async def some(self, count=1):
        async def enough():
            return len(self.messages) >= count

        await until(enough)
        return self.messages


@contextlib.asynccontextmanager
async def listening(stage, *, legacy, key=CI_BOT, asks=None):
    """Open a stream of changes, as a client of this era does."""
    headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
    url = f"{stage.url}/mcp/files"
    before = len(stage.gateway._streams)
    if legacy:
        opened = stage.http.get(url, headers=headers | LEGACY)
    else:
        params = {**(asks or ASKS), "_meta": META}
        message = {"jsonrpc": "2.0", "id": 7, "method": "subscriptions/listen", "params": params}
        headers |= modern_headers("subscriptions/listen") | {"Content-Type": "application/json"}
        opened = stage.http.post(url, data=json.dumps(message), headers=headers)

    async def is_open():
        return len(stage.gateway._streams) > before

    async with opened as response:
        assert response.status == 200, await response.read()
        await until(is_open)
        heard = Heard(response)
        if not legacy:
            await heard.some()
        try:
            yield heard
        finally:
            heard.reading.cancel()


async def activate(stage, text):
    await stage.policy.activate(text)


async def accept(stage, name):
    (tool,) = [tool for tool in await stage.ledger.tools("files") if tool.tool == name]
    command = AcceptTools(
        id=f"accept:{uuid.uuid4()}",
        actor="shell:alice",
        server="files",
        tools=((tool.tool, tool.hash),),
    )
    await stage.ledger.execute(command)


async def change(stage, name="read_file", description="Other."):
    """Have the server define a tool differently, without a word, and the gateway see that."""
    tool = next(tool for tool in stage.server.tools if tool["name"] == name)
    tool["description"] = description
    await stage.gateway._toolboxes["files"].learn_now("", None)


@pytest.fixture
async def stage(sqlite_url):
    async with staged(sqlite_url, policy=POLICY, hold="0s") as opened:
        yield opened


eras = pytest.mark.parametrize("legacy", [True, False], ids=["legacy", "modern"])


@eras
async def test_a_policy_that_hides_more_is_told(stage, legacy):
    async with listening(stage, legacy=legacy) as heard:
        greeted = len(heard.messages)
        await activate(stage, HIDING)

        (told,) = (await heard.some(greeted + 1))[greeted:]

    params = {} if legacy else {"params": {"_meta": {SUBSCRIPTION: 7}}}
    assert told == {"jsonrpc": "2.0", "method": CHANGED, **params}


@eras
async def test_a_changed_definition_and_its_acceptance_are_told(stage, legacy):
    async with listening(stage, legacy=legacy) as heard:
        greeted = len(heard.messages)
        await change(stage)
        await heard.some(greeted + 1)
        await accept(stage, "read_file")

        told = (await heard.some(greeted + 2))[greeted:]

    assert [message["method"] for message in told] == [CHANGED] * 2


async def test_a_policy_is_told_only_to_those_who_see_other_tools_by_it(stage):
    async with (
        listening(stage, legacy=True) as mine,
        listening(stage, legacy=True, key=OTHER_BOT) as others,
    ):
        await activate(stage, SAME_LIST)
        await activate(stage, HIDING_FROM_OTHER)
        await others.some()
        await change(stage)

        assert len(await mine.some()) == 1
        assert len(await others.some(2)) == 2


async def test_a_burst_of_changes_is_told_once(stage):
    async with listening(stage, legacy=True) as heard:
        await activate(stage, HIDING)
        for number in range(5):
            await change(stage, description=f"Version {number}.")
        await heard.some()
        await activate(stage, POLICY)

        await heard.some(2)

    assert len(heard.messages) < 5


async def test_what_another_replica_saw_and_accepted_is_told_here(stage):
    tool = stage.gateway._toolboxes["files"].known["read_file"]
    other = type(tool)("files", "new_tool", "New.", "{}", "0" * 64)
    async with listening(stage, legacy=True) as heard:
        command = SeeTools(
            id="see:elsewhere",
            actor="placet:gateway",
            server="files",
            tools=(other,),
            complete=False,
        )
        await stage.ledger.execute(command)

        (told,) = await heard.some()

    assert told["method"] == CHANGED


async def test_only_those_who_asked_for_lists_of_tools_hear_of_them(stage):
    asks = {"notifications": {"promptsListChanged": True}}
    async with (
        listening(stage, legacy=False, asks=asks) as silent,
        listening(stage, legacy=False) as heard,
    ):
        await activate(stage, HIDING)
        await heard.some(2)

        assert [message["method"] for message in silent.messages] == [
            "notifications/subscriptions/acknowledged"
        ]


def refuses(stage, *, acknowledges=None):
    """Make the server one that has no stream of changes, or one that tells of other things."""

    async def reply(request: web.Request, message) -> web.StreamResponse | None:
        if message["method"] != "subscriptions/listen" or message.get("id") != 7:
            return None
        if acknowledges is None:
            error = {"code": -32601, "message": "no such method"}
            return web.json_response({"jsonrpc": "2.0", "id": 7, "error": error}, status=404)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: " + json.dumps(acknowledges).encode() + b"\n\n")
        await asyncio.Event().wait()
        return response

    stage.server.instead = reply


async def test_a_server_without_streams_of_changes_gets_one_of_placets_own(stage):
    refuses(stage)

    async with listening(stage, legacy=False) as heard:
        await activate(stage, HIDING)
        first, told = await heard.some(2)

    kept = {"_meta": {SUBSCRIPTION: 7}, "notifications": {"toolsListChanged": True}}
    assert first["params"] == kept
    assert told["params"] == {"_meta": {SUBSCRIPTION: 7}}


async def test_a_session_whose_server_has_no_stream_of_its_own_gets_one_too(sqlite_url):
    class Streamless(RawServer):
        async def _stream(self, *_):
            return web.Response(status=405)

        @property
        def listeners(self):
            return 1

    server = Streamless()
    await server.start()
    async with (
        staged(sqlite_url, policy=POLICY, server=server) as stage,
        listening(stage, legacy=True) as heard,
    ):
        await activate(stage, HIDING)
        (told,) = await heard.some()
    await server.close()

    assert told == {"jsonrpc": "2.0", "method": CHANGED}


async def test_it_is_acknowledged_that_lists_of_tools_are_told_of(stage):
    method = "notifications/subscriptions/acknowledged"
    params = {"_meta": {SUBSCRIPTION: 7}, "notifications": {"promptsListChanged": True}}
    refuses(stage, acknowledges={"jsonrpc": "2.0", "method": method, "params": params})
    asks = {"notifications": {"toolsListChanged": True, "promptsListChanged": True}}

    async with listening(stage, legacy=False, asks=asks) as heard:
        (first,) = heard.messages

    told = {"promptsListChanged": True, "toolsListChanged": True}
    assert first == {"jsonrpc": "2.0", "method": method, "params": params | {"notifications": told}}


@pytest.mark.parametrize(
    ("declared", "passed"),
    [
        ({"tools": {}}, {"tools": {"listChanged": True}}),
        ({"tools": {"listChanged": False}, "x": 1}, {"tools": {"listChanged": True}, "x": 1}),
        ({"tools": None}, {"tools": None}),
        ({"prompts": {}}, {"prompts": {}}),
    ],
)
@eras
async def test_a_server_with_tools_declares_that_it_tells_of_them(stage, legacy, declared, passed):
    async def reply(_, message) -> web.StreamResponse | None:
        if message.get("id") != 5:
            return None
        result = {"capabilities": declared, "protocolVersion": "2025-11-25"}
        return web.json_response({"jsonrpc": "2.0", "id": 5, "result": result})

    stage.server.instead = reply
    method = "initialize" if legacy else "server/discover"
    params = {"protocolVersion": "2025-11-25"} if legacy else {"_meta": META}
    message = {"jsonrpc": "2.0", "id": 5, "method": method, "params": params}

    answer = await stage.post(
        json.dumps(message).encode(), {} if legacy else modern_headers(method)
    )

    capabilities = answer.json["result"]["capabilities"]
    capabilities.pop("extensions", None)
    assert capabilities == passed


@eras
async def test_it_is_heard_over_stdio_too(stage, legacy):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "placet_entry", "stdio", "files", "--url", stage.url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={"PLACET_KEY": CI_BOT},
    )

    async def say(message):
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        await process.stdin.drain()

    async def hear():
        async with asyncio.timeout(60):
            return json.loads(await process.stdout.readline())

    stage.server.sessions = True
    if legacy:
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}}
        await say({"id": 1, "method": "initialize", "params": params})
        await hear()
        await say({"method": "notifications/initialized"})
    else:
        await say({"id": 7, "method": "subscriptions/listen", "params": {**ASKS, "_meta": META}})
        await hear()

    async def listens():
        return len(stage.gateway._streams)

    await until(listens, 30)
    await activate(stage, HIDING)
    told = await hear()
    process.stdin.close()
    await process.wait()

    assert told["method"] == CHANGED


@pytest.mark.parametrize("legacy", [True, False])
async def test_a_server_that_has_a_stream_and_says_nothing_does_not_leave_it_silent(stage, legacy):
    stage.gateway._streams._silence = 0.05

    async with standing_streams.listening(stage, CI_BOT, legacy=legacy) as stream:
        said = await asyncio.wait_for(stream.content.readuntil(b"\n\n"), 10)

    assert said == b": still here\n\n"
