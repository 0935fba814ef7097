"""An MCP server made with the official SDK, of both eras: `sdk_server.py PORT`."""

import sys

from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("notes", instructions="Keep notes short.")
notes: dict[str, str] = {}


@server.tool()
def read_note(name: str) -> dict[str, str]:
    """Read a note."""
    return {"name": name, "text": notes.get(name, ""), "sign": "\u00e9\u202e"}


@server.tool()
def write_note(name: str, text: str) -> str:
    """Write a note."""
    notes[name] = notes.get(name, "") + text
    return f"{name}: {notes[name]}"


@server.tool()
async def read_slowly(steps: int, ctx: Context) -> str:
    """Read with progress."""
    for step in range(steps):
        await ctx.report_progress(step + 1, steps, f"step {step + 1}")
    return "read"


@server.tool()
async def write_slowly(name: str, ctx: Context) -> str:
    """Write with progress."""
    for step in range(3):
        await ctx.report_progress(step, 3, f"step {step}")
    return f"{name}: written"


@server.tool()
def read_badly() -> str:
    """Fail."""
    message = "no such note"
    raise ValueError(message)


@server.prompt()
def greet(who: str) -> str:
    """Greet."""
    return f"Greet {who}."


@server.resource("note://{name}")
def note(name: str) -> str:
    """Read a note as a resource."""
    return f"note {name}"


if __name__ == "__main__":
    server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
