"""A gateway on loopback with a real ledger, and raw MCP servers that remember every byte."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry

from gateway.application import Gateway
from gateway.calls.patience import Pace
from gateway.world import World
from ledger.events.envelopes import Recorded
from ledger.events.evidence import Evidence
from ledger.ledger import Ledger
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.lives.deliveries import RecordCard
from ledger.lives.policy_in_force import ActivatePolicy
from ledger.lives.votes import CastVote
from policies.configuration.configuration import parse_configuration
from policies.rules.policy import Policy, compile_policy
from policies.values.digests import digest_key

MODERN = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
}
CI_BOT = "ci-bot-key-0123456789-0123456789-0123456789"
OTHER_BOT = "other-bot-key-0123456789-0123456789-012345"

POLICY = """\
version: 1
default: require_approval
rules:
  - {name: reads, match: {tool: "read_*"}, effect: allow}
  - {name: no-drops, match: {tool: "drop_*"}, effect: deny, message: dropping is done by people}
"""

NO_CALL = {"ToolSeen", "ToolsPinned", "InstructionsSeen", "PolicyActivated"}
"""Events that are about no call."""

TOOLS: list[dict[str, Any]] = [
    {"name": "read_file", "description": "Reads a file.", "inputSchema": {"type": "object"}},
    {"name": "write_file", "description": "Writes a file.", "inputSchema": {"type": "object"}},
    {"name": "drop_table", "description": "Drops a table.", "inputSchema": {"type": "object"}},
]


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)  # noqa: TID251  the tests' clock


async def until(true: Callable[[], Awaitable[Any]], seconds: float = 60) -> Any:
    """Wait until `true` returns something true, and return that."""
    async with asyncio.timeout(seconds):
        while not (found := await true()):
            await asyncio.sleep(0.005)
        return found


class RawServer:
    """An MCP server of both eras that answers as `answer` says, and keeps what arrived.

    `answer(message, request)` returns a result, or a whole response; it may hang.
    """

    def __init__(self) -> None:
        self.tools = [dict(tool) for tool in TOOLS]
        self.seen: list[tuple[str, dict[str, str], bytes]] = []
        self.running = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.gone = asyncio.Event()
        self.sessions = False
        self.farewell = 200
        self.reply: Callable[[dict[str, Any], web.Request], Awaitable[Any]] = self.done
        self.instead: Callable[[web.Request, Any], Awaitable[web.StreamResponse | None]] | None
        self.instead = None
        self.url = ""
        self._runner: web.AppRunner | None = None
        self._streams: list[asyncio.Queue[bytes]] = []

    async def start(self, port: int = 0) -> None:
        """Listen on loopback."""
        application = web.Application(client_max_size=2**30)
        application.router.add_route("*", "/mcp", self._answered)
        self._runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/mcp"

    async def close(self) -> None:
        """Stop listening."""
        self.gate.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def calls(self) -> list[bytes]:
        """Return the bodies that called a tool, in any reading of the word."""
        return [body for _, _, body in self.seen if b"ools/" in body and b"tools/list" not in body]

    def tell(self, message: dict[str, Any]) -> None:
        """Send a message on every open stream."""
        for stream in self._streams:
            stream.put_nowait(b"data: " + json.dumps(message).encode() + b"\n\n")

    @property
    def listeners(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    async def done(self, message: dict[str, Any], _: web.Request) -> Any:
        """Answer a call with what was called."""
        self.running.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.gone.set()
            raise
        text = f"done: {message['params']['name']}"
        return {"content": [{"type": "text", "text": text}], "big": 12345678901234567890.10}

    async def _answered(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.seen.append((request.method, dict(request.headers), body))
        if request.method == "DELETE":
            return web.Response(status=self.farewell)
        if request.method == "GET":
            return await self._stream(request, None)
        message = json.loads(body)
        if self.instead is not None and (told := await self.instead(request, message)) is not None:
            return told
        if "id" not in message or "method" not in message:
            return web.Response(status=202)
        if message["method"] == "subscriptions/listen":
            return await self._stream(request, message["id"])
        return await self._result(message, request)

    async def _result(self, message: dict[str, Any], request: web.Request) -> web.StreamResponse:
        modern = "io.modelcontextprotocol/protocolVersion" in message["params"].get("_meta", {})
        headers = {"Mcp-Session-Id": "raw session/1"} if self.sessions else {}
        match message["method"]:
            case "initialize":
                result: Any = {
                    "protocolVersion": message["params"]["protocolVersion"],
                    "capabilities": {"tools": {"listChanged": True}},
                    "serverInfo": {"name": "raw", "version": "1"},
                }
            case "server/discover":
                result = {"supportedVersions": [MODERN], "capabilities": {}, "ttlMs": 0}
            case "tools/list":
                result = {"tools": self.tools}
            case "tools/call":
                result = await self.reply(message, request)
            case _:
                result = {}
        if isinstance(result, web.StreamResponse):
            return result
        if modern:
            result["resultType"] = "complete"
        answer = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        return web.json_response(answer, headers=headers)

    async def _stream(self, request: web.Request, number: Any) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        if number is not None:
            params = {"notifications": {"toolsListChanged": True}}
            told = {"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged"}
            await response.write(
                b"data: " + json.dumps(told | {"params": params}).encode() + b"\n\n"
            )
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._streams.append(queue)
        try:
            while True:
                await response.write(await queue.get())
        finally:
            self._streams.remove(queue)


class Forgetful(RawServer):
    """A server that starts again, and then knows none of the sessions it gave.

    Of the methods in `unknown` it says with 404 that there are none, as a few do.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unknown: set[str] = set()
        self.life = 1

    async def _result(self, message: dict[str, Any], request: web.Request) -> web.StreamResponse:
        session = request.headers.get("Mcp-Session-Id")
        if session is not None and session != f"session-{self.life}":
            return web.json_response({"error": "no such session"}, status=404)
        if message["method"] in self.unknown:
            return web.json_response({"error": "no such method"}, status=404)
        answer = await super()._result(message, request)
        if message["method"] == "initialize":
            answer.headers["Mcp-Session-Id"] = f"session-{self.life}"
        return answer


class Standing:
    """The policy in force, as the ledger has it; `activate` puts another in force."""

    def __init__(self, ledger: Ledger, text: str) -> None:
        self._ledger = ledger
        self._policy = compile_policy(text)

    def __call__(self) -> Policy:
        return self._policy

    async def again(self) -> Policy:
        """Ask the ledger."""
        known = await self._ledger.policy_in_force()
        assert known is not None
        self._policy = compile_policy(known.text)
        return self._policy

    async def activate(self, text: str, *, follow: bool = True) -> None:
        """Put a policy in force; without `follow`, as if another replica had done it."""
        policy = compile_policy(text)
        await self._ledger.execute(
            ActivatePolicy(
                id=f"policy:{uuid.uuid4()}",
                actor="placet:policy",
                digest=policy.digest,
                text=text,
                source="policy.yaml",
            )
        )
        if follow:
            self._policy = policy


@dataclass
class Answered:
    """An HTTP answer, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        """The JSON-RPC error."""
        return self.json["error"]

    @property
    def text(self) -> str:
        """The text of the result."""
        text: str = self.json["result"]["content"][0]["text"]
        return text

    @property
    def told(self) -> Any:
        """What the result's `_meta` says for programs."""
        return self.json["result"]["_meta"]["placet/decision"]


@dataclass
class Stage:
    """A running gateway, its ledger and its server."""

    gateway: Gateway
    ledger: Ledger
    policy: Standing
    server: RawServer
    url: str
    http: aiohttp.ClientSession
    registry: CollectorRegistry
    reached: list[str] = field(default_factory=list)

    async def post(
        self,
        body: bytes,
        headers: dict[str, str] | None = None,
        *,
        key: str | None = CI_BOT,
        server: str = "files",
    ) -> Answered:
        """Post a body; headers with an empty value are left out."""
        standard = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "Authorization": f"Bearer {key}" if key else "",
        }
        sent = {name: value for name, value in (standard | (headers or {})).items() if value}
        async with self.http.post(f"{self.url}/mcp/{server}", data=body, headers=sent) as answer:
            return Answered(answer.status, dict(answer.headers), await answer.read())

    async def call(
        self,
        tool: str,
        arguments: dict[str, Any] | None = None,
        *,
        number: Any = 1,
        key: str = CI_BOT,
        legacy: bool = False,
    ) -> Answered:
        """Make a tools/call."""
        params: dict[str, Any] = {"name": tool, "arguments": arguments or {}}
        headers = {"MCP-Protocol-Version": "2025-11-25"}
        if not legacy:
            params["_meta"] = META
            headers = modern_headers("tools/call", tool)
        message = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
        return await self.post(json.dumps(message).encode(), headers, key=key)

    async def pending(self, count: int = 1) -> list[Approval]:
        """Wait until so many approvals are pending."""

        async def enough() -> list[Approval]:
            found = await self.ledger.approvals(ApprovalStatus.PENDING)
            return found if len(found) >= count else []

        found: list[Approval] = await until(enough)
        return found

    async def decide(
        self, approval: str, *, approves: bool = True, reason: str | None = None
    ) -> tuple[Recorded, ...]:
        """Have bob vote, on a card that shows the call in full."""
        known = await self.ledger.approval(approval)
        assert known is not None
        for term in known.request.terms if not known.cards else ():
            await self.ledger.execute(
                RecordCard(
                    id=f"card:{approval}:{term.team}",
                    actor="placet:courier",
                    approval=approval,
                    team=term.team,
                    channel="C0PLATFORM",
                    ts="1.1",
                    revision=1,
                    blocks="[]",
                    sha256="00",
                    whole=True,
                )
            )
        evidence = Evidence(slack="T0ACME/U0BOB", fetched_at=await self.ledger.now())
        return await self.ledger.execute(
            CastVote(
                id=f"vote:{approval}:{approves}",
                actor="person:bob",
                approval=approval,
                approves=approves,
                reason=reason,
                channel="C0PLATFORM",
                ts="1.1",
                revision=1,
                whole=True,
                evidence=evidence,
                voters=(),
            )
        )

    async def topics(self) -> list[str]:
        """Return the names of all events about calls and approvals, in order."""
        events = await self.ledger.events(limit=10_000)
        return [recorded.event.TOPIC for recorded in events if recorded.event.TOPIC not in NO_CALL]

    async def ended(self, count: int = 1) -> list[Any]:
        """Wait until so many calls have ended, and return those events."""

        async def enough() -> list[Any]:
            events = [r.event for r in await self.ledger.events(limit=10_000)]
            found = [event for event in events if event.TOPIC == "CallCompleted"]
            return found if len(found) >= count else []

        found: list[Any] = await until(enough)
        return found


def modern_headers(method: str, name: str | None = None) -> dict[str, str]:
    """Return the headers that repeat a modern body."""
    headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
    return headers | ({"Mcp-Name": name} if name else {})


def configuration_text(url: str, hold: str, agents: str = "", own: str = "") -> str:
    """Return a placet.yaml with one HTTP server, `files`; `own` are further keys of ci-bot."""
    return f"""\
version: 1
policy: policy.yaml
ledger: {{url: "sqlite:///placet.db"}}
listen: {{agents: "127.0.0.1:8787", operations: "127.0.0.1:8789"}}
people:
  alice: {{slack: T0ACME/U0ALICE}}
  bob: {{slack: T0ACME/U0BOB}}
teams:
  platform: {{channel: C0PLATFORM, approvers: [bob, alice]}}
servers:
  files: {{url: "{url}", team: platform, headers: {{Authorization: "Bearer upstream-secret"}}}}
agents:
  ci-bot: {{team: platform, owner: alice, key: "{CI_BOT}"{own}}}
  other-bot: {{team: platform, owner: alice, key: "{OTHER_BOT}"}}
{agents}
slack: {{mode: socket, bot_token: xoxb-1, app_token: xapp-1, signing_secret: secret-secret}}
gateway: {{hold: {hold}}}
"""


@contextlib.asynccontextmanager
async def staged(
    ledger_url: str,
    *,
    policy: str = POLICY,
    hold: str = "1s",
    server: RawServer | None = None,
    agents: str = "",
    own: str = "",
    pace: Pace | None = None,
    known: bool = True,
    port: int = 0,
    rewrite: Callable[[str], str] = str,
    descriptors: int = 65_536,
) -> AsyncIterator[Stage]:
    """Open a gateway for the length of a block; with `known`, once it knows the tools.

    `rewrite` changes the text of its placet.yaml; `descriptors` is how many
    files it may open.
    """
    raw = server or RawServer()
    if server is None:
        await raw.start()
    written = rewrite(configuration_text(raw.url, hold, agents, own))
    configuration = parse_configuration(written, {})
    reached: list[str] = []
    ledger = await asyncio.to_thread(
        Ledger.open, ledger_url, now=now, directory=configuration.directory()
    )
    standing = Standing(ledger, policy)
    await standing.activate(policy)
    registry = CollectorRegistry()
    gateway = Gateway(
        World(
            configuration,
            ledger,
            standing,
            (digest_key("a secret of the digests that is long"),),
            registry,
            now,
            descriptors=descriptors,
            reach=reached.append,
            pace=pace or Pace(),
        )
    )
    runner = gateway.runner()
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    await gateway.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as http:
        stage = Stage(gateway, ledger, standing, raw, url, http, registry, reached)
        try:
            if known:
                await until(lambda: _ready(gateway, raw))
            yield stage
        finally:
            await site.stop()
            await gateway.drain(2)
            await runner.cleanup()
            await gateway.close()
            await asyncio.to_thread(ledger.close)
            if server is None:
                await raw.close()


@contextlib.asynccontextmanager
async def staged_before(ledger_url: str, server: RawServer, **how: Any) -> AsyncIterator[Stage]:
    """Open a gateway, as `staged` does, before a server that runs for as long."""
    await server.start()
    try:
        async with staged(ledger_url, server=server, **how) as stage:
            yield stage
    finally:
        await server.close()


async def _ready(gateway: Gateway, server: RawServer) -> bool:
    return not gateway.troubles() and server.listeners > 0
