"""A stdio server behind the whole gateway: the same calls, decisions and answers as over HTTP."""

import asyncio
import contextlib
import json
import sys

import aiohttp
import httpx2
import pytest
from aiohttp import web
from bridging import ENVIRONMENT, SERVERS
from gateway_stage import CI_BOT, OTHER_BOT, Stage, Standing, configuration_text, now, until
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from prometheus_client import CollectorRegistry

from gateway.application import Gateway
from gateway.world import World
from ledger.ledger import Ledger
from policies.configuration.configuration import parse_configuration
from policies.values.digests import digest_key

POLICY = """\
version: 1
rules:
  - {name: sums, match: {tool: [add, count]}, effect: allow}
"""


def stdio_configuration(script: str) -> str:
    text = configuration_text("URL", "0s")
    over_http = next(line for line in text.splitlines() if line.startswith("  files:"))
    command = f'["{sys.executable}", "{SERVERS / script}"]'
    return text.replace(over_http, f"  files: {{command: {command}, team: platform}}")


@pytest.fixture
async def stage(request, sqlite_url):
    script = getattr(request, "param", "sdk_server.py")
    configuration = parse_configuration(stdio_configuration(script), {})
    ledger = await asyncio.to_thread(
        Ledger.open, sqlite_url, now=now, directory=configuration.directory()
    )
    standing = Standing(ledger, POLICY)
    await standing.activate(POLICY)
    keys = (digest_key("a secret of the digests that is long"),)
    registry = CollectorRegistry()
    gateway = Gateway(
        World(configuration, ledger, standing, keys, registry, now, environment=ENVIRONMENT)
    )
    runner = gateway.runner()
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await gateway.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession() as http:
        yield Stage(gateway, ledger, standing, None, url, http, registry, [])
    await gateway.drain(2)
    await runner.cleanup()
    await gateway.close()
    await asyncio.to_thread(ledger.close)


@contextlib.asynccontextmanager
async def client(stage, mode):
    async def known():
        return not stage.gateway.troubles()

    await until(known, 30)
    headers = {"Authorization": f"Bearer {CI_BOT}"}
    async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
        transport = streamable_http_client(f"{stage.url}/mcp/files", http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_an_allowed_call_runs_with_its_progress(stage, mode):
    heard = []

    async def hear(progress, *_):
        heard.append(progress)

    async with client(stage, mode) as caller:
        tools = await caller.list_tools()
        added = await caller.call_tool("add", {"first": 1, "second": 2.5})
        counted = await caller.call_tool("count", {"to": 2}, progress_callback=hear)

    assert [tool.name for tool in tools.tools] == ["add", "count", "fail"]
    assert added.content[0].text == "3.5"
    assert counted.content[0].text == "counted to 2"
    assert heard == [0.0, 1.0]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_call_waits_for_approval_and_then_runs_once(stage, mode):
    async with client(stage, mode) as caller:
        pending = await caller.call_tool("fail", {})
        (approval,) = await stage.pending()
        await stage.decide(approval.id)
        ran = await caller.call_tool("fail", {})
        again = await caller.call_tool("fail", {})

    assert "Pending" in pending.content[0].text
    assert ran.content[0].text == "Error executing tool fail"
    assert "Pending" in again.content[0].text


async def _asked(stage, key, session, method, params):
    """Send a request of 2025-11-25 and return the answer."""
    headers = {"MCP-Protocol-Version": "2025-11-25"} | session
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return await stage.post(json.dumps(message).encode(), headers, key=key)


@pytest.mark.parametrize("stage", ["tasking_server.py"], indirect=True)
async def test_a_task_is_for_the_agent_that_began_it_alone(stage):
    async def known():
        return not stage.gateway.troubles()

    async def begun(key):
        asked = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {}}
        opened = await _asked(stage, key, {}, "initialize", asked)
        session = {"Mcp-Session-Id": opened.headers["Mcp-Session-Id"]}
        params = {"name": "count", "arguments": {}, "task": {}}
        made = await _asked(stage, key, session, "tools/call", params)
        return session, made.json["result"]["task"]["taskId"]

    await until(known, 30)
    mine, task = await begun(CI_BOT)
    others, other = await begun(OTHER_BOT)
    own = await _asked(stage, CI_BOT, mine, "tasks/result", {"taskId": task})
    foreign = await _asked(stage, OTHER_BOT, others, "tasks/result", {"taskId": task})
    listed = await _asked(stage, OTHER_BOT, others, "tasks/list", {})

    assert (task, other) == ("task-1", "task-2")
    assert own.json["result"]["asked"] == "tasks/result"
    assert foreign.error["code"] == -32602
    assert [found["taskId"] for found in listed.json["result"]["tasks"]] == ["task-2"]
