"""A server of both eras with a tool that runs as a task, by fastmcp: `tasks_server.py PORT`."""

import asyncio
import sys

from fastmcp import FastMCP
from fastmcp_tasks import TasksExtension

server = FastMCP("tasks")
server.add_extension(TasksExtension())


@server.tool(task=True)
async def analyze(name: str) -> str:
    """Take a while; in a task where the client can drive one."""
    await asyncio.sleep(0.2)
    return f"analyzed {name}"


@server.tool
def read_sample(name: str) -> dict[str, str]:
    """Read a sample."""
    return {"name": name, "text": "\u00fc"}


@server.tool
def drop_sample(name: str) -> str:
    """Drop a sample."""
    return name


if __name__ == "__main__":
    server.run("http", host="127.0.0.1", port=int(sys.argv[1]), show_banner=False)
