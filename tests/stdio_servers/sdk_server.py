"""A stdio server for tests, written with the official SDK."""

import itertools

from mcp.server.mcpserver import Context, MCPServer
from mcp_types import ToolAnnotations

server = MCPServer("official", instructions="ask twice")
reads = itertools.count(1)


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def add(first: int, second: float) -> float:
    """Add two numbers."""
    return first + second


@server.tool()
async def count(to: int, context: Context) -> str:
    """Count, with progress."""
    for step in range(to):
        await context.report_progress(step, to)
    return f"counted to {to}"


@server.tool()
def fail() -> str:
    """Fail."""
    message = "it went wrong"
    raise ValueError(message)


@server.prompt()
def greet(name: str) -> str:
    """Greet somebody."""
    return f"Hello {name}"


@server.resource("memo://one")
def memo() -> str:
    """Return a memo."""
    return "remember"


@server.resource("memo://reads")
def counted() -> str:
    """Return how often this was read."""
    return str(next(reads))


server.run("stdio")
