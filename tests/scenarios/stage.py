"""The whole of Placet as its users meet it: real processes, a real server, a local Slack."""

import asyncio
import contextlib
import dataclasses
import json
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import aiohttp
import forked
from ports import free_port
from scenarios.recording_server import RecordingServer

from bot.workspace import server
from bot.workspace.server import LocalWorkspace
from bot.workspace.spec import SlashCommand, WorkspaceChannel, WorkspaceSpec, WorkspaceUser
from ledger.ledger import Ledger

ROOT = Path(__file__).resolve().parent.parent.parent
VERSION = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
}
CI_BOT = "ci-bot-key-0123456789-0123456789-0123456789"
OTHER_BOT = "other-bot-key-0123456789-0123456789-012345"
AUDITOR = "auditor-key-0123456789-0123456789-0123456789"
PLATFORM, SECURITY = "C0PLATFORM", "C0SECURITY"
ALICE, BOB, CAT, EVE, GUEST = "U0ALICE", "U0BOB", "U0CAT", "U0EVE", "U0GUEST"

POLICY = """\
version: 1
default: require_approval
rules:
  - {name: reads, match: {risk: read}, effect: allow}
  - {name: no-drops, match: {tool: "drop_*"}, effect: deny, message: "dropping is done by people"}
redact: ["*password*"]
grants: {longest: 8h}
"""


def clock() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)  # noqa: TID251 (the test is a root of its own)


async def until(true: Callable[[], Awaitable[Any]], seconds: float = 60) -> Any:
    """Wait until `true` returns something true, and return that."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            if found := await true():
                return found
        if asyncio.get_running_loop().time() > deadline:
            message = f"never became true: {true}"
            raise TimeoutError(message)
        await asyncio.sleep(0.02)


class Replica:
    """One `placet serve` process and the addresses it listens on."""

    def __init__(self, stage: "Stage", name: str) -> None:
        self.stage = stage
        self.agents = f"127.0.0.1:{free_port()}"
        self.operations = f"127.0.0.1:{free_port()}"
        self.config = stage.folder / f"{name}.yaml"
        self.log = stage.folder / f"{name}.log"
        self.process: forked.Forked | None = None

    async def start(self, kill_at: str | None = None) -> None:
        """Start it and wait until it is ready; `kill_at` is a fault point, `name` or `name:n`."""
        await self.launch(kill_at)
        await until(self.ready, 60)

    async def launch(self, kill_at: str | None = None) -> None:
        """Start it; it may be gone before it is ready."""
        self.config.write_text(self.stage.configuration(self))
        environment = {
            "PATH": os.environ["PATH"],  # noqa: TID251  a process needs its path
            "HOME": str(self.stage.folder),
            "CI_BOT_KEY": CI_BOT,
            "OTHER_BOT_KEY": OTHER_BOT,
        }
        if kill_at:
            environment["PLACET_KILL_AT"] = kill_at
        with self.log.open("ab") as log:
            self.process = await forked.start(
                ["placet", "serve", "--config", str(self.config)],
                environment,
                stdout=log,
                stderr=log,
            )

    async def ready(self) -> bool:
        """Tell whether /readyz answers 200; fail where the process has ended."""
        assert self.process is not None
        assert self.process.returncode is None, self.log.read_text()
        async with self.stage.http.get(f"http://{self.operations}/readyz") as answer:
            return answer.status == 200

    async def readiness(self) -> tuple[int, str]:
        """Return what /readyz answers."""
        async with self.stage.http.get(f"http://{self.operations}/readyz") as answer:
            return answer.status, await answer.text()

    async def holds(self, calls: int) -> bool:
        """Tell whether it holds so many calls, by its own metrics."""
        async with self.stage.http.get(f"http://{self.operations}/metrics") as answer:
            return f"placet_held_calls {calls}.0" in await answer.text()

    async def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()

    async def stop(self) -> int:
        """Ask it to drain and wait for its exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), 60)

    async def died(self) -> None:
        """Wait until it has killed itself at its fault point."""
        assert self.process is not None
        await asyncio.wait_for(self.process.wait(), 60)

    async def call(
        self, tool: str, arguments: dict[str, Any], key: str = CI_BOT, number: int = 1
    ) -> dict[str, Any]:
        """Make one tools/call in the modern era and return its result."""
        message = {
            "jsonrpc": "2.0",
            "id": number,
            "method": "tools/call",
            "params": {"name": tool, "arguments": arguments, "_meta": META},
        }
        headers = {"Mcp-Method": "tools/call", "Mcp-Name": tool}
        status, answer = await self.post(json.dumps(message).encode(), headers, key)
        assert status == 200, answer
        result: dict[str, Any] = json.loads(answer)["result"]
        return result

    async def post(
        self, body: bytes | BinaryIO, headers: dict[str, str] | None = None, key: str = CI_BOT
    ) -> tuple[int, bytes]:
        """Post a body to /mcp/files; `headers` replace or, with an empty value, remove."""
        standard = {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": VERSION,
        }
        sent = {name: value for name, value in (standard | (headers or {})).items() if value}
        url = f"http://{self.agents}/mcp/files"
        async with self.stage.http.post(url, data=body, headers=sent) as answer:
            return answer.status, await answer.read()


class Stage:
    """A folder, a recording MCP server, a local workspace, and replicas of Placet."""

    def __init__(self, folder: Path, ledger_url: str, policy: str, hold: str) -> None:
        self.folder = folder
        self.ledger_url = ledger_url
        self.policy = policy
        self.hold = hold
        self.checkpoints: dict[str, str] = {}
        self.server = RecordingServer()
        self.workspace = LocalWorkspace(workspace_spec(), ack_seconds=server.ACK_SECONDS)
        self.replicas: list[Replica] = []
        self.http: aiohttp.ClientSession

    async def open(self) -> None:
        """Start the server and the workspace."""
        self.http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        (self.folder / "policy.yaml").write_text(self.policy)
        await self.server.start()
        await self.workspace.start("127.0.0.1", 0)

    async def close(self) -> None:
        """End everything that was started."""
        for replica in self.replicas:
            if replica.process is not None and replica.process.returncode is None:
                await replica.kill()
        await self.http.close()
        await self.workspace.close()
        await self.server.close()

    async def serve(self, name: str = "placet", kill_at: str | None = None) -> Replica:
        """Start one more `placet serve`."""
        replica = Replica(self, name)
        self.replicas.append(replica)
        await replica.start(kill_at)
        return replica

    def configuration(self, replica: Replica) -> str:
        """Return the placet.yaml of a replica."""
        ledger: dict[str, Any] = {"url": self.ledger_url}
        if self.ledger_url.startswith("postgres"):
            ledger["digest_key"] = "a-digest-key-of-forty-characters-or-more"
        if self.checkpoints:
            ledger["checkpoints"] = self.checkpoints
        return json.dumps(
            {
                "version": 1,
                "policy": "policy.yaml",
                "ledger": ledger,
                "listen": {"agents": replica.agents, "operations": replica.operations},
                "people": {
                    "alice": {"slack": f"T0ACME/{ALICE}"},
                    "bob": {"slack": f"T0ACME/{BOB}"},
                    "cat": {"slack": f"T0ACME/{CAT}"},
                },
                "teams": {
                    "platform": {"channel": PLATFORM, "approvers": ["bob", "cat", "alice"]},
                    "security": {"channel": SECURITY, "approvers": ["cat"]},
                },
                "servers": {"files": {"url": self.server.url, "team": "platform"}},
                "agents": {
                    "ci-bot": {"team": "platform", "owner": "alice", "key": "${CI_BOT_KEY}"},
                    "other-bot": {"team": "platform", "owner": "alice", "key": "${OTHER_BOT_KEY}"},
                },
                "operators": {"auditor": {"key_sha256": sha256(AUDITOR.encode()).hexdigest()}},
                "slack": {
                    "mode": "socket",
                    "bot_token": workspace_spec().bot_token,
                    "app_token": workspace_spec().app_token,
                    "api_url": self.workspace.api_url,
                    "group_after": 0,
                },
                "gateway": {"hold": self.hold},
            },
            indent=1,
        )

    async def card(self, channel: str = PLATFORM, saying: str = "") -> dict[str, Any]:
        """Wait for the newest card with a button that says something, and return its message."""
        return await self.workspace.wait_for_message(
            channel, lambda card: buttons(card) and saying in json.dumps(card), seconds=60
        )

    async def card_saying(self, text: str, channel: str = PLATFORM) -> dict[str, Any]:
        """Wait for a message that says `text` somewhere, in any case, and return it."""
        return await self.workspace.wait_for_message(
            channel, lambda message: text.lower() in json.dumps(message).lower(), seconds=60
        )

    async def press(self, user: str, action: str, channel: str = PLATFORM, saying: str = "") -> str:
        """Press a button of the newest open card; return what the person is shown privately."""
        card = await self.card(channel, saying)
        before = len(await self.workspace.ephemerals(user))
        await self.workspace.click(user, channel, card["ts"], action)
        return await self._told(user, before)

    async def deny(self, user: str, reason: str, channel: str = PLATFORM, **given: str) -> str:
        """Press Deny… on the newest open card, fill in the modal, and return what is shown."""
        card = await self.card(channel)
        before = len(await self.workspace.ephemerals(user))
        await self.workspace.click(user, channel, card["ts"], "approval.deny")
        view = await self.workspace.wait_for_view(user)
        said = await self.workspace.submit_view(user, view["id"], {"reason": reason, **given})
        assert not said.errors, said
        assert not said.error, said
        return await self._told(user, before)

    async def slash(self, user: str, text: str, channel: str = PLATFORM) -> str:
        """Type `/placet text` and return what is shown."""
        shown = await self.workspace.command(user, channel, "/placet", text)
        return json.dumps(dataclasses.asdict(shown), default=str)

    async def events(self) -> list[str]:
        """Return the names of all events so far, in order of position."""
        with Ledger.open(self.ledger_url, now=clock, serving=False) as ledger:
            return [recorded.event.TOPIC for recorded in await ledger.events(limit=10_000)]

    async def _told(self, user: str, before: int) -> str:
        async def newer() -> str:
            shown = (await self.workspace.ephemerals(user))[before:]
            return json.dumps(shown) if shown else ""

        return str(await until(newer))

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        """Run a `placet` command with this stage's configuration; return code, output, errors."""
        config = self.replicas[0].config
        environment = {
            "PATH": os.environ["PATH"],  # noqa: TID251  a process needs its path
            "CI_BOT_KEY": CI_BOT,
            "OTHER_BOT_KEY": OTHER_BOT,
        }
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            process = await forked.start(
                ["placet", *arguments, "--config", str(config)],
                environment,
                stdout=out,
                stderr=errors,
            )
            code = await process.wait()
            out.seek(0)
            errors.seek(0)
            return code, out.read().decode(), errors.read().decode()


def workspace_spec() -> WorkspaceSpec:
    """Return the people and channels of the stage's Slack."""
    people = (ALICE, BOB, CAT, EVE)
    users = [WorkspaceUser(id=name, name=name[2:].lower()) for name in people]
    users.append(WorkspaceUser(id=GUEST, name="guest", is_restricted=True))
    users.append(WorkspaceUser(id="U0PLACET", name="placet", is_bot=True))
    everybody = (*people, GUEST, "U0PLACET")
    return WorkspaceSpec(
        team_id="T0ACME",
        users=users,
        channels=[
            WorkspaceChannel(id=PLATFORM, name="platform", members=everybody),
            WorkspaceChannel(id=SECURITY, name="security", members=everybody),
        ],
        bot_token="xoxb-local-0123456789",
        app_token="xapp-local-0123456789",
        bot_user_id="U0PLACET",
        commands=[SlashCommand("/placet")],
    )


def buttons(message: dict[str, Any]) -> bool:
    """Tell whether a message has buttons that decide."""
    return "approval.approve" in json.dumps(message.get("blocks", []))


@contextlib.asynccontextmanager
async def stage(
    folder: Path, ledger_url: str, policy: str = POLICY, hold: str = "1s"
) -> AsyncIterator[Stage]:
    """Open a stage for the length of a block."""
    opened = Stage(folder, ledger_url, policy, hold)
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()
