"""Drives an MCP server with the official client from 2.0 on: `client_2.py URL KEY MODE CALLS`.

A call is a tool's name, its arguments and, maybe, after how many seconds it is given up.
In place of the address there may be a command that speaks MCP over stdio, a JSON list.
"""

import asyncio
import json
import sys

import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client


async def main(url: str, key: str, mode: str, calls: list) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
        if url.startswith("["):
            command, *arguments = json.loads(url)
            started = {"command": command, "args": arguments, "env": {"PLACET_KEY": key}}
            transport = stdio_client(StdioServerParameters(**started))
        else:
            transport = streamable_http_client(url, http_client=http)
        async with Client(transport, mode=mode) as client:
            steps = []

            async def noticed(progress, total, message):
                steps.append([progress, total, message])

            found = {
                "version": str(client.protocol_version),
                "instructions": client.instructions,
                "tools": dumped(await client.list_tools()),
                "prompt": dumped(await client.get_prompt("greet", {"who": "you"})),
                "resource": dumped(await client.read_resource("note://a")),
                "calls": [],
            }
            for name, arguments, *seconds in calls:
                patience = seconds[0] if seconds else None
                try:
                    result = await client.call_tool(name, arguments, patience, noticed)
                    found["calls"].append(dumped(result))
                except Exception as error:  # noqa: BLE001 (whatever a client raises is what is looked at)
                    found["calls"].append({"raised": str(error)})
            found["progress"] = steps
            sys.stdout.write(json.dumps(found))


def dumped(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])))
