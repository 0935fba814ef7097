"""Drives an MCP server with the official client before 2.0: `client_1.py URL KEY CALLS`.

A call is a tool's name, its arguments and, maybe, after how many seconds it is given up.
In place of the address there may be a command that speaks MCP over stdio, a JSON list.
"""

import asyncio
import json
import sys
from datetime import timedelta

from anyio import BrokenResourceError
from mcp import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamablehttp_client


async def main(url: str, key: str, calls: list) -> None:
    async with (
        transport(url, key) as (read, write, *more),
        ClientSession(read, write) as session,
    ):
        begun = await session.initialize()
        steps = []

        async def noticed(progress, total, message):
            steps.append([progress, total, message])

        found = {
            "version": str(begun.protocolVersion),
            "instructions": begun.instructions,
            "session": bool(more[0]()) if more else None,
            "tools": dumped(await session.list_tools()),
            "prompt": dumped(await session.get_prompt("greet", {"who": "you"})),
            "resource": dumped(await session.read_resource("note://a")),
            "calls": [],
        }
        for name, arguments, *seconds in calls:
            patience = timedelta(seconds=seconds[0]) if seconds else None
            try:
                result = await session.call_tool(name, arguments, patience, noticed)
                found["calls"].append(dumped(result))
            except Exception as error:  # noqa: BLE001 (whatever a client raises is what is looked at)
                found["calls"].append({"raised": str(error)})
        found["progress"] = steps
        sys.stdout.write(json.dumps(found))


def transport(url, key):
    if not url.startswith("["):
        return streamablehttp_client(url, headers={"Authorization": f"Bearer {key}"})
    command, *arguments = json.loads(url)
    started = {"command": command, "args": arguments, "env": {"PLACET_KEY": key}}
    return stdio_client(StdioServerParameters(**started))


def dumped(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def only_closed_early(error: BaseException) -> bool:
    """Tell whether a client of 1.x fell over a message that came while it was closing."""
    if isinstance(error, BaseExceptionGroup):
        return all(only_closed_early(each) for each in error.exceptions)
    return isinstance(error, BrokenResourceError)


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))
    except BaseExceptionGroup as fallen:
        if not only_closed_early(fallen):
            raise
