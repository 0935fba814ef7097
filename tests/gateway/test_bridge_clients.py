"""Official clients of both eras, through the bridge, to a server of the official SDK."""

import sys

import pytest
from bridging import SERVERS, bridged, over_http
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError


@pytest.fixture
async def url():
    async with bridged("sdk_server.py") as bridge, over_http(bridge) as url:
        yield url


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_gets_what_the_server_says(url, mode):
    direct = StdioServerParameters(command=sys.executable, args=[str(SERVERS / "sdk_server.py")])
    async with Client(stdio_client(direct), mode="legacy") as client:
        tools = await client.list_tools()
        sum_ = await client.call_tool("add", {"first": 1, "second": 2.5})

    async with Client(url, mode=mode) as client:
        assert client.server_info.name == "official"
        assert client.instructions == "ask twice"
        assert (await client.list_tools()).tools == tools.tools
        assert (await client.call_tool("add", {"first": 1, "second": 2.5})).content == sum_.content
        failed = await client.call_tool("fail", {})
        prompt = await client.get_prompt("greet", {"name": "Ada"})
        memo = await client.read_resource("memo://one")
        with pytest.raises(MCPError):
            await client.get_prompt("none", {})

    assert failed.is_error
    assert prompt.messages[0].content.text == "Hello Ada"
    assert memo.contents[0].text == "remember"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_hears_the_progress_of_its_call(url, mode):
    heard = []

    async def hear(progress, total, _):
        heard.append((progress, total))

    async with Client(url, mode=mode) as client:
        counted = await client.call_tool("count", {"to": 3}, progress_callback=hear)

    assert counted.content[0].text == "counted to 3"
    assert heard == [(0.0, 3.0), (1.0, 3.0), (2.0, 3.0)]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_that_reads_again_gets_what_is_there_now(url, mode):
    async with Client(url, mode=mode) as client:
        read = [await client.read_resource("memo://reads") for _ in range(2)]

    assert [each.contents[0].text for each in read] == ["1", "2"]
