"""`placet demo`: all of Placet on loopback, with a server, an agent and a Slack of its own."""

import argparse
import asyncio
import logging
import shlex
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web

from bot.drawing.cards import APPROVE
from gateway.calls.answers import Told
from ledger.events.card_events import CardPosted, VoteCast
from ledger.events.envelopes import Recorded
from ledger.events.events import (
    ApprovalDispatched,
    ApprovalGiven,
    ApprovalRequested,
    CallCompleted,
    CallDecided,
)
from ledger.shell import AddCommand, Misconfigured, Shell
from placet_commandline import Register
from placet_demo_agent import CallFailed, DemoAgent, headers_of, message_of
from placet_demo_files import demo_server
from placet_demo_stage import DemoStage, Ports, lay_out, take_folder, usual_ports
from placet_environment import SETTINGS
from placet_logging import log_to_stderr
from placet_serve import stop_signals
from placet_service import OpenService, Order, Service
from placet_settings import Unsafe, load_to_serve

_CHECK_SECONDS = 50.0
_PATIENCE = 10
"""How often the agent asks for the first call, each time for two minutes."""

_CHANNEL, _APPROVER = "C0PLATFORM", "U0BOB"
_STORY = (
    ApprovalRequested,
    CallDecided,
    CardPosted,
    VoteCast,
    ApprovalGiven,
    ApprovalDispatched,
    CallCompleted,
)
_DELETE = ("delete_file", {"path": "old-report.txt"})
_WRITE = ("write_file", {"path": "hello.txt", "content": "Hello from demo-bot.\n"})
_VISIT = ("delete_file", {"path": "notes.txt"})


def _program() -> str:
    """Return how a shell calls Placet: by name where that is found, else by its path."""
    beside = Path(sys.executable).with_name("placet")
    return "placet" if shutil.which("placet") or not beside.exists() else str(beside)


def demo_command(open_service: OpenService) -> Register:
    """Return what adds `placet demo`, which serves with `open_service`."""

    def register(add: AddCommand, shell: Shell) -> None:
        parser = add(
            "demo",
            help="run everything on loopback, to try it",
            description="Run Placet with an MCP server on a scratch folder, an agent, and a page "
            "that stands in for Slack. Nothing leaves this machine.",
        )
        parser.add_argument(
            "--check",
            action="store_true",
            help="take one call to approval and completion without a person, and exit",
        )
        parser.add_argument(
            "--folder", type=Path, help="keep the files there (default: a scratch folder)"
        )
        parser.set_defaults(run=lambda arguments: _demo(arguments, _Demo(shell.say, open_service)))

    return register


def _demo(arguments: argparse.Namespace, demo: "_Demo") -> int:
    log_to_stderr(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="placet-demo-") as scratch:
        folder = (arguments.folder or Path(scratch)).absolute()
        take_folder(folder)
        if arguments.check:
            return asyncio.run(demo.check(folder))
        asyncio.run(demo.show(folder))
    return 0


@dataclass(frozen=True)
class _Demo:
    say: Callable[[str], None]
    open_service: OpenService

    async def show(self, folder: Path) -> None:
        """Run until told to stop; the agent makes two calls by itself."""
        async with self._staged(folder, usual_ports()) as (stage, service, agent):
            stop = stop_signals(service)
            self._tell(stage, service)
            calls = [
                asyncio.create_task(self._act(agent, _DELETE, times=_PATIENCE)),
                asyncio.create_task(self._act(agent, _WRITE, times=1)),
            ]
            self.say("ready")
            await stop.wait()
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)

    async def check(self, folder: Path) -> int:
        """Take one call to its end, pressing the button ourselves; print the name of each event."""
        async with self._staged(folder, Ports()) as (stage, service, agent):
            try:
                async with asyncio.timeout(_CHECK_SECONDS):
                    wrong = await _one_call(stage, service, agent)
            except TimeoutError:
                wrong = f"the call did not come to its end within {_CHECK_SECONDS:.0f} seconds"
            except CallFailed as failed:
                wrong = f"the call failed: {failed}"
            recorded = await service.ledger.events()
        names = [type(each.event).__name__ for each in recorded]
        for each, name in zip(recorded, names, strict=True):
            self.say(f"{each.position:>3}  {name}")
        missing = [event.__name__ for event in _STORY if event.__name__ not in names]
        if missing and not wrong:
            wrong = f"these events are missing: {', '.join(missing)}"
        self.say(f"failed: {wrong}" if wrong else "ok: asked, approved, run once, recorded")
        return 1 if wrong else 0

    @asynccontextmanager
    async def _staged(
        self, folder: Path, ports: Ports
    ) -> AsyncIterator[tuple[DemoStage, Service, DemoAgent]]:
        async with AsyncExitStack() as stack:
            url = await _serve_files(folder / "files", stack)
            stage = lay_out(folder, url, ports)
            try:
                service = await self._served(stage, ports, stack)
            except Misconfigured:  # another demo that starts now was quicker
                stage = lay_out(folder, url, Ports())
                service = await self._served(stage, Ports(), stack)
            http = await stack.enter_async_context(ClientSession())
            yield stage, service, DemoAgent(http, f"{service.agents}/mcp/files", stage.key)

    async def _served(self, stage: DemoStage, ports: Ports, stack: AsyncExitStack) -> Service:
        """Serve the stage until `stack` ends. Raises Misconfigured where a port is taken."""
        unsafe = Unsafe(local_approvers=True)
        loaded = await asyncio.to_thread(load_to_serve, stage.config, unsafe=unsafe)
        order = Order(loaded, stage.config, unsafe, SETTINGS, page_port=ports.page)
        return await stack.enter_async_context(self.open_service(order))

    def _tell(self, stage: DemoStage, service: Service) -> None:
        assert service.workspace is not None, "the demo's Slack is a local workspace"
        url = f"{service.agents}/mcp/files"
        self.say(f"page        {service.workspace.page_url}")
        self.say(
            "            it stands in for Slack; bob and cat may approve, alice owns the agents"
        )
        self.say(f"agents      {url}")
        self.say("            MCP over HTTP; from this machine no key is needed")
        self.say(f"operations  {service.operations}/readyz")
        self.say(f"files       {stage.files}")
        program, config = shlex.quote(_program()), shlex.quote(str(stage.config))
        self.say(f"audit       {program} audit log --config {config}")
        self.say("a call to try, in another shell:")
        for line in _curl(url, *_VISIT):
            self.say(f"  {line}")

    async def _act(self, agent: DemoAgent, call: tuple[str, dict[str, str]], times: int) -> None:
        """Let the agent make a call, and say what comes of it; if it expires, ask again."""
        tool, arguments = call
        what = f"demo-bot    {tool} {arguments['path']}"
        for _ in range(times):
            self.say(f"{what}: asks for approval")
            try:
                reply = await agent.insist(tool, arguments)
            except CallFailed as failed:
                self.say(f"{what}: {failed}")
                return
            self.say(f"{what}: {reply.text}")
            if reply.status != Told.EXPIRED:
                return


async def _serve_files(folder: Path, stack: AsyncExitStack) -> str:
    runner = web.AppRunner(demo_server(folder), access_log=None, shutdown_timeout=1.0)
    stack.push_async_callback(runner.cleanup)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}/mcp"


async def _one_call(stage: DemoStage, service: Service, agent: DemoAgent) -> str | None:
    """Have one file deleted with an approval; return what was wrong, None where all was right."""
    workspace = service.workspace
    assert workspace is not None, "the demo's Slack is a local workspace"
    file = stage.files / "old-report.txt"
    completed = asyncio.Event()

    def heard(events: Sequence[Recorded]) -> None:
        if any(isinstance(each.event, CallCompleted) for each in events):
            completed.set()

    leave = service.ledger.observe(heard)
    call = asyncio.create_task(agent.insist(*_DELETE))
    try:
        card = await workspace.wait_for_message(_CHANNEL, _may_be_approved, _CHECK_SECONDS)
        if not await asyncio.to_thread(file.exists):
            return "the file was deleted before anybody approved"
        await workspace.click(_APPROVER, _CHANNEL, card["ts"], APPROVE)
        reply = await call
    finally:
        call.cancel()
        with suppress(asyncio.CancelledError, CallFailed):
            await call
    if reply.status is not None:
        return reply.text
    if await asyncio.to_thread(file.exists):
        return "the call was approved, and the file is still there"
    await completed.wait()
    leave()
    return None


def _may_be_approved(message: Mapping[str, Any]) -> bool:
    elements = [each for block in message.get("blocks", ()) for each in block.get("elements", ())]
    return any(each.get("action_id") == APPROVE for each in elements)


def _curl(url: str, tool: str, arguments: Mapping[str, str]) -> list[str]:
    headers = [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in headers_of(tool).items()]
    message = shlex.quote(message_of(tool, arguments))
    return [f"curl -s {url} \\", *(f"  {each} \\" for each in headers), f"  -d {message}"]
