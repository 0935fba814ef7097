"""Measures a call to a server directly, through a bare pass-through, and through Placet.

Run it by `make bench`. All three stand side by side in one run and take turns; each is a process
of its own. Placet decides by an allow rule, and its ledger (SQLite) records every call durably.
"""

import asyncio
import json
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from aiohttp import ClientSession, TCPConnector, web

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 5
SECONDS = 2.0
WARM_UP = 200
CONNECTIONS = (1, 16)
VERSION = "2026-07-28"
KEY = "bench-key-0123456789-0123456789-0123456789"
META = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
}
TOOL = {
    "name": "read_echo",
    "description": "Read back the text that was given.",
    "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}},
    "annotations": {"readOnlyHint": True},
}
POLICY = "version: 1\nrules: [{name: reads, match: {tool: read_echo}, effect: allow}]\n"
BODY = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "read_echo", "arguments": {"text": "x" * 64}, "_meta": META},
    }
).encode()


def main() -> None:
    """Print the table, or be one of the servers in it."""
    match sys.argv[1:]:
        case ["server", port]:
            web.run_app(server(), port=int(port), host="127.0.0.1", print=None, access_log=None)
        case ["bare", port, behind]:
            app = bare(f"http://127.0.0.1:{behind}/mcp/echo")
            web.run_app(app, port=int(port), host="127.0.0.1", print=None, access_log=None)
        case _:
            with targets() as ports:
                asyncio.run(compare(ports))


def server() -> web.Application:
    """Return an MCP server (2026-07-28) with one tool that echoes."""
    app = web.Application()
    app.router.add_post("/mcp/echo", echo)
    return app


async def echo(request: web.Request) -> web.Response:
    """Answer one message."""
    message = json.loads(await request.read())
    match message["method"]:
        case "server/discover":
            result = {"supportedVersions": [VERSION], "capabilities": {"tools": {}}}
        case "tools/list":
            result = {"tools": [TOOL]}
        case "tools/call":
            text = message["params"]["arguments"]["text"]
            result = {"content": [{"type": "text", "text": text}], "isError": False}
        case _:
            error = {"code": -32601, "message": "no such method"}
            answer = {"jsonrpc": "2.0", "id": message.get("id"), "error": error}
            return web.json_response(answer, status=404)
    result |= {"resultType": "complete", "ttlMs": 60_000, "cacheScope": "public"}
    return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": result})


def bare(behind: str) -> web.Application:
    """Return what hands every request on and decides nothing: the least a proxy can cost."""
    app = web.Application()

    async def session(app: web.Application) -> AsyncIterator[None]:
        async with ClientSession(connector=TCPConnector(limit=0)) as http:
            app["http"] = http
            yield

    async def hand_on(request: web.Request) -> web.Response:
        body = await request.read()
        json.loads(body)
        headers = {"Content-Type": "application/json"}
        async with request.app["http"].post(behind, data=body, headers=headers) as answer:
            return web.Response(
                body=await answer.read(), status=answer.status, content_type=answer.content_type
            )

    app.cleanup_ctx.append(session)
    app.router.add_post("/mcp/echo", hand_on)
    return app


@contextmanager
def targets() -> Iterator[dict[str, int]]:
    """Run the three servers; give the port of each."""
    direct, passing, placet, operations = (free_port() for _ in range(4))
    script = str(Path(__file__).resolve())
    with tempfile.TemporaryDirectory(prefix="placet-bench-") as folder:
        config = configure(Path(folder), direct, placet, operations)
        commands = [
            [sys.executable, script, "server", str(direct)],
            [sys.executable, script, "bare", str(passing), str(direct)],
            [
                *(sys.executable, "-m", "placet", "serve", "--unsafe-local-approvers"),
                *("--config", str(config)),
            ],
        ]
        with open(Path(folder) / "log", "w") as log:  # noqa: PTH123  a file for three processes
            running = [
                subprocess.Popen(each, cwd=ROOT, stdout=log, stderr=log) for each in commands
            ]
            try:
                wait_until_ready(operations)
                yield {"direct": direct, "bare pass-through": passing, "placet": placet}
            finally:
                for process in running:
                    process.terminate()
                for process in running:
                    process.wait()


def configure(folder: Path, server_port: int, agents: int, operations: int) -> Path:
    """Write Placet's files; the approvers' Slack is a local workspace, which nobody uses."""
    settings = {
        "version": 1,
        "policy": "policy.yaml",
        "ledger": {"url": "sqlite:///placet.db"},
        "listen": {"agents": f"127.0.0.1:{agents}", "operations": f"127.0.0.1:{operations}"},
        "people": {"alice": {"slack": "T0BENCH/U0ALICE"}, "bob": {"slack": "T0BENCH/U0BOB"}},
        "teams": {"platform": {"channel": "C0PLATFORM", "approvers": ["bob"]}},
        "servers": {
            "echo": {"url": f"http://127.0.0.1:{server_port}/mcp/echo", "team": "platform"}
        },
        "agents": {"bench": {"team": "platform", "owner": "alice", "key": KEY}},
        "slack": {"mode": "local"},
    }
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "placet.yaml").write_text(json.dumps(settings, indent=1))
    return folder / "placet.yaml"


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def wait_until_ready(operations: int) -> None:
    """Return once Placet says that it is ready. Raises TimeoutError after a minute."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            with urlopen(f"http://127.0.0.1:{operations}/readyz") as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    message = "Placet did not get ready"
    raise TimeoutError(message)


class Caller:
    """One connection that makes the same call again and again, as cheaply as Python can."""

    def __init__(
        self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._request = request_to(port)
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, port: int) -> "Caller":
        """Open a connection to `port`."""
        return cls(port, *await asyncio.open_connection("127.0.0.1", port))

    async def call(self) -> float:
        """Make one call and return the seconds it took. Raises RuntimeError on any other answer."""
        began = time.perf_counter()
        self._writer.write(self._request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        lengths = [line for line in lines if line.startswith(b"content-length:")]
        if lengths:
            body = await self._reader.readexactly(int(lengths[0].partition(b":")[2]))
        else:
            body = await self._reader.readuntil(b"0\r\n\r\n")
        took = time.perf_counter() - began
        if not head.startswith(b"HTTP/1.1 200") or b"xxxx" not in body:
            raise RuntimeError(body)
        return took

    def close(self) -> None:
        """Let the connection go."""
        self._writer.close()


def request_to(port: int) -> bytes:
    """Return the whole HTTP request of one call."""
    head = (
        "POST /mcp/echo HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Authorization: Bearer {KEY}",
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
        f"MCP-Protocol-Version: {VERSION}",
        "Mcp-Method: tools/call",
        "Mcp-Name: read_echo",
        f"Content-Length: {len(BODY)}",
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + BODY


async def measure(port: int, connections: int) -> list[float]:
    """Call for some seconds over so many connections; return the seconds of each call."""
    callers = [await Caller.connect(port) for _ in range(connections)]
    until = time.perf_counter() + SECONDS

    async def keep_calling(caller: Caller) -> list[float]:
        took = []
        while time.perf_counter() < until:
            took.append(await caller.call())
        return took

    found = await asyncio.gather(*(keep_calling(caller) for caller in callers))
    for caller in callers:
        caller.close()
    return [each for one in found for each in one]


async def compare(ports: dict[str, int]) -> None:
    """Let the targets take turns, and print medians over the rounds."""
    for port in ports.values():
        caller = await Caller.connect(port)
        for _ in range(WARM_UP):
            await caller.call()
        caller.close()
    print(f"one tools/call of 64 bytes, {ROUNDS} rounds of {SECONDS:.0f} s, medians")
    print(f"{'':<18} {'connections':>11} {'p50 ms':>8} {'p99 ms':>8} {'calls/s':>9} {'ratio':>6}")
    for connections in CONNECTIONS:
        rounds: dict[str, list[list[float]]] = {name: [] for name in ports}
        for _ in range(ROUNDS):
            for name in random.sample(list(ports), len(ports)):
                rounds[name].append(sorted(await measure(ports[name], connections)))
        for name, each in rounds.items():
            shares = [len(b) / len(d) for b, d in zip(each, rounds["direct"], strict=True)]
            line(name, connections, each, statistics.median(shares))


def line(name: str, connections: int, rounds: list[list[float]], share: float) -> None:
    """Print one target's line; `ratio` is its calls per second over those of a direct call."""
    p50, p99 = (
        1000 * statistics.median(took[int(len(took) * part)] for took in rounds)
        for part in (0.5, 0.99)
    )
    speed = statistics.median(len(took) for took in rounds) / SECONDS
    print(f"{name:<18} {connections:>11} {p50:>8.2f} {p99:>8.2f} {speed:>9,.0f} {share:>6.2f}")


if __name__ == "__main__":
    main()
