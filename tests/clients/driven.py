"""MCP clients in processes of their own, which do what a test says."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SECONDS = 60


@dataclass(frozen=True)
class Place:
    """Where a client connects to: an address, and the key it sends."""

    url: str
    key: str


@dataclass
class Asked:
    """Something a client was asked to do: what it heard meanwhile, and what it led to."""

    progress: list[tuple[float, float | None, str | None]] = field(default_factory=list)
    end: "asyncio.Future[dict[str, Any]]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    async def result(self) -> Any:
        """Wait for what it returned."""
        said = await asyncio.wait_for(asyncio.shield(self.end), _SECONDS)
        assert "raised" not in said, said
        return said["result"]

    async def raised(self) -> str:
        """Wait for what it raised."""
        said = await asyncio.wait_for(asyncio.shield(self.end), _SECONDS)
        return str(said["raised"])


class Driven:
    """A client behind a driver that follows lines of JSON; it stays connected."""

    def __init__(self, process: asyncio.subprocess.Process, *, hears_progress: bool = True) -> None:
        """Take the driver, running; `hears_progress` says that it does while a call waits."""
        self.hears_progress = hears_progress
        self._process = process
        self._asked: dict[int, Asked] = {}
        self._numbers = itertools.count(1)
        self._reading = asyncio.ensure_future(self._read())

    @classmethod
    async def start(cls, *command: str | Path, hears_progress: bool = True) -> "Driven":
        """Start the driver."""
        process = await asyncio.create_subprocess_exec(
            *map(str, command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=2**24,
        )
        return cls(process, hears_progress=hears_progress)

    def ask(self, do: str, place: Place, **more: Any) -> Asked:
        """Have it do something."""
        number = next(self._numbers)
        self._asked[number] = Asked()
        self._say({"id": number, "do": do, "url": place.url, "key": place.key, **more})
        return self._asked[number]

    def call(self, place: Place, tool: str, **arguments: Any) -> Asked:
        """Have it call a tool."""
        return self.ask("call", place, tool=tool, arguments=arguments)

    async def tools(self, place: Place) -> list[str]:
        """Return the names of the tools that it sees."""
        found: list[str] = await self.ask("tools", place).result()
        return found

    async def cancel(self, asked: Asked) -> None:
        """Have it give a call up, and wait until it says that it has."""
        (number,) = (number for number, each in self._asked.items() if each is asked)
        self._say({"do": "cancel", "call": number})
        await asked.raised()

    async def close(self) -> None:
        """Have it end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 60)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reading

    def _say(self, command: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            said = json.loads(line)
            asked = self._asked[said["id"]]
            if "progress" in said:
                asked.progress.append(tuple(said["progress"]))
            elif not asked.end.done():
                asked.end.set_result(said)


class Inspector:
    """The Inspector's command line: a process for each thing it is asked, and no progress."""

    hears_progress = False

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str]) -> None:
        """Take the command with its options, and its environment."""
        self._command = [str(word) for word in command]
        self._environment = dict(environment)
        self._running: dict[int, asyncio.subprocess.Process] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def call(self, place: Place, tool: str, **arguments: Any) -> Asked:
        """Have it call a tool."""
        given = ("--tool-name", tool, "--tool-args-json", json.dumps(arguments))
        return self._ask(place, "--method", "tools/call", *given)

    async def tools(self, place: Place) -> list[str]:
        """Return the names of the tools that it sees."""
        result = await self._ask(place, "--method", "tools/list").result()
        return [tool["name"] for tool in result["tools"]]

    async def cancel(self, asked: Asked) -> None:
        """Kill it: a person would press Control-C, and it says nothing to the server then."""
        self._running[id(asked)].kill()
        await asked.raised()

    async def close(self) -> None:
        """Wait for all of it."""
        for process in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await asyncio.gather(*self._tasks)

    def _ask(self, place: Place, *options: str) -> Asked:
        asked = Asked()
        task = asyncio.ensure_future(self._run(asked, place, *options))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return asked

    async def _run(self, asked: Asked, place: Place, *options: str) -> None:
        header = f"Authorization: Bearer {place.key}"
        process = await asyncio.create_subprocess_exec(
            *(*self._command, place.url, "--transport", "http", "--header", header, *options),
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self._running[id(asked)] = process
        out, errors = await process.communicate()
        del self._running[id(asked)]
        said = json.loads(out) if out.strip() else {"raised": errors.decode() or "killed"}
        asked.end.set_result(said)


Client = Driven | Inspector


@contextlib.asynccontextmanager
async def running(client: Client) -> AsyncIterator[Client]:
    """Close a client after a block."""
    try:
        yield client
    finally:
        await client.close()
