"""A gateway in a thread that answers to anything, and keeps count of what its server saw."""

import asyncio
import contextlib
import json
import logging
import re
import threading
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any

from aiohttp import web
from gateway_stage import TOOLS, RawServer, Stage, staged, until

from ledger.events.events import ApprovalDispatched, CallCompleted, CallDecided
from ledger.lives.approvals import ApprovalStatus
from policies.rules.decisions import Effect
from policies.values.refusals import Refused

PATIENCE = 0.5
"""Seconds in which an answer to garbage has come, or comes no more."""


class Faults(logging.Handler):
    """Keeps what is logged as an error by anybody."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        error = record.exc_info[1] if record.exc_info else None
        self.seen.append(f"{record.name}: {text}: {error!r}")


class LenientServer(RawServer):
    """A server that takes whatever arrives, and answers what it cannot read with nothing much."""

    def bodies(self) -> list[bytes]:
        """Return all bodies that arrived."""
        return [body for _, _, body in self.seen]

    async def _answered(self, request: web.Request) -> web.StreamResponse:
        try:
            return await super()._answered(request)
        except (KeyError, TypeError, ValueError, AttributeError):
            return web.json_response({"jsonrpc": "2.0", "id": None, "result": {}})


class GarblingServer:
    """A server on a bare socket that lists its tools well, and answers calls with `garbage`.

    The garbage is sent piece by piece; the connection then stays open only
    where it is to `linger`.
    """

    def __init__(self) -> None:
        self.garbage: list[bytes] = []
        self.linger = False
        self.url = ""
        self.listeners = 1
        self._bodies: list[bytes] = []
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen on loopback."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/mcp"

    async def close(self) -> None:
        """Stop listening."""
        assert self._server is not None
        self._server.close()

    def bodies(self) -> list[bytes]:
        """Return all bodies that arrived."""
        return self._bodies

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(serving)
        serving.add_done_callback(self._tasks.discard)
        serving.add_done_callback(lambda _: writer.close())  # also where it never began

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
                body = await reader.readexactly(int(length[1]) if length else 0)
                if not await self._answer(head, body, writer):
                    break

    async def _answer(self, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; tell whether the connection goes on."""
        self._bodies.append(body)
        if not head.startswith(b"POST"):
            writer.write(b"HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n")
            return True
        message = json.loads(body)
        if message.get("method") in {"tools/call", "resources/list"}:
            for piece in self.garbage:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            return self.linger
        result: dict[str, Any] = {"tools": TOOLS, "protocolVersion": "2025-11-25"}
        result |= {"capabilities": {"tools": {}}, "serverInfo": {"name": "x", "version": "1"}}
        told = {"jsonrpc": "2.0", "id": message.get("id"), "result": result}
        answer = json.dumps(told).encode()
        kind = b"Content-Type: application/json\r\n"
        writer.write(b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n" % (kind, len(answer)))
        writer.write(answer)
        return True


class Fuzzed:
    """A stage on an event loop of its own; `run` does something there and waits for it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, stage: Stage, faults: Faults) -> None:
        self.stage = stage
        self.faults = faults
        self._loop = loop
        self._looked = self._position = self._outcomes = 0
        self._called: Counter[str] = Counter()
        self._let_run: Counter[str] = Counter()
        self._tools: dict[str, str] = {}
        host, _, port = stage.url.removeprefix("http://").partition(":")
        self._address = host, int(port)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine on the stage's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def send(self, *pieces: bytes, answers: int = 1) -> bytes:
        """Send bytes on a connection of their own, piece by piece; return what came back.

        It is waited for so many answers, or until none came for a while.
        """
        return bytes(self.run(self._sent(pieces, answers)))

    async def _sent(self, pieces: tuple[bytes, ...], answers: int) -> bytes:
        reader, writer = await asyncio.open_connection(*self._address)
        answer = b""
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            async with asyncio.timeout(PATIENCE):
                while whole(answer) < answers and (chunk := await reader.read(65536)):
                    answer += chunk
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        return answer

    def ended(self) -> bool:
        """Wait until every call that was let run has an outcome; tell whether that came."""

        async def all_of_them() -> bool:
            await self._read_on()
            return self._outcomes == sum(self._let_run.values())

        try:
            return bool(self.run(until(all_of_them, 20)))
        except TimeoutError:
            return False

    def undecided(self) -> Counter[str]:
        """Return the tools that the server saw called more often than they were let run.

        Calls count in the laxest reading of the bodies that arrived.
        """
        fresh = self.stage.server.bodies()[self._looked :]
        self._looked += len(fresh)
        self._called.update(tool for body in fresh if body for tool in tools_of(body))
        self.run(self._read_on())
        return self._called - self._let_run

    async def _read_on(self) -> None:
        """Take in what the ledger has let run since."""
        while events := await self.stage.ledger.events(after=self._position, limit=5_000):
            self._position = events[-1].position
            for recorded in events:
                match recorded.event:
                    case CallDecided() as event:
                        self._tools[event.call] = event.tool
                        if event.effect is Effect.ALLOW:
                            self._let_run[event.tool] += 1
                    case CallCompleted():
                        self._outcomes += 1
                    case ApprovalDispatched() as event:
                        self._let_run[self._tools[event.call]] += 1
                    case _:
                        pass


def whole(answers: bytes) -> int:
    """Count the answers of known length that are there in full."""
    count = 0
    while True:
        head, found, rest = answers.partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
        size = int(length[1]) if length else 0
        if not found or not length or len(rest) < size:
            return count
        answers = rest[size:]
        count += 1


def tools_of(body: bytes) -> list[str]:
    """Return the tools that a body calls, as any lax reader would have it."""
    found = []
    message = json.loads(body)
    for each in message if isinstance(message, list) else [message]:
        lax = {key.strip().lower(): value for key, value in each.items()}
        if str(lax.get("method")).strip().lower() == "tools/call":
            params = {key.strip().lower(): value for key, value in lax["params"].items()}
            found.append(str(params["name"]))
    return found


@contextlib.contextmanager
def fuzzed(ledger_url: str, server: Any = None) -> Iterator[Fuzzed]:
    """Open a stage in a thread for the length of a block; errors that are logged are kept.

    Whatever waits for people is approved as soon as it does.
    """
    faults = Faults()
    logging.getLogger().addHandler(faults)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    scene = asyncio.run_coroutine_threadsafe(_opened(ledger_url, server), loop).result(60)
    stage: Stage = asyncio.run_coroutine_threadsafe(anext(scene), loop).result(60)
    try:
        yield Fuzzed(loop, stage, faults)
    finally:
        with contextlib.suppress(StopAsyncIteration):
            asyncio.run_coroutine_threadsafe(anext(scene), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        logging.getLogger().removeHandler(faults)


async def _opened(ledger_url: str, server: Any) -> AsyncIterator[Stage]:
    async def scene() -> AsyncIterator[Stage]:
        raw = server or LenientServer()
        await raw.start()
        async with staged(ledger_url, hold="0s", server=raw) as stage:
            approving = asyncio.create_task(_approve_all(stage))
            yield stage
            approving.cancel()
        await raw.close()

    return scene()


async def _approve_all(stage: Stage) -> None:
    while True:
        for approval in await stage.ledger.approvals(ApprovalStatus.PENDING):
            with contextlib.suppress(Refused):
                await stage.decide(approval.id)
        await asyncio.sleep(0.005)
