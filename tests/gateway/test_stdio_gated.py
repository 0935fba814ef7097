"""A stdio server behind the whole gateway: the same calls, decisions and answers as over HTTP."""

import asyncio
import contextlib
import sys

import aiohttp
import httpx2
import pytest
from aiohttp import web
from bridging import ENVIRONMENT, SERVERS
from gateway_stage import CI_BOT, Stage, Standing, configuration_text, now, until
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
async def stage(sqlite_url):
    configuration = parse_configuration(stdio_configuration("sdk_server.py"), {})
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
