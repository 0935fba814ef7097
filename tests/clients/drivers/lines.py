"""Lets a test drive an MCP client by lines of JSON: commands come in, what they led to goes out.

A command is {"id", "do", "url", "key", …}: `about`, `tools`, `call` (with `tool` and
`arguments`), or `cancel` (the id of a call). Out come {"id", "progress"}, {"id", "result"}
and {"id", "raised"}. A connection is opened for each address and key, and kept.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

Notice = Callable[[float, float | None, str | None], Awaitable[None]]


class Session(Protocol):
    """A connection of a client."""

    async def about(self) -> dict[str, Any]:
        """Return the protocol's version, and the server's name and instructions."""

    async def tools(self) -> list[str]:
        """Return the names of the tools."""

    async def call(self, tool: str, arguments: dict[str, Any], notice: Notice) -> Any:
        """Return the result of a call as JSON; `notice` hears of progress."""


Connect = Callable[[str, str], AbstractAsyncContextManager[Session]]


class Driver:
    """Does what the commands say, each in a task of its own."""

    def __init__(self, connect: Connect) -> None:
        """Take what connects to an address with a key."""
        self._connect = connect
        self._sessions: dict[tuple[str, str], asyncio.Future[Session]] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._over = asyncio.Event()
        self._held: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Follow commands until there are no more."""
        while line := await asyncio.to_thread(sys.stdin.readline):
            command = json.loads(line)
            if command["do"] == "cancel":
                self._tasks[command["call"]].cancel()
            else:
                self._tasks[command["id"]] = asyncio.create_task(self._answer(command))
        for task in self._tasks.values():
            task.cancel()
        self._over.set()
        await asyncio.gather(*self._tasks.values(), *self._held, return_exceptions=True)

    async def _answer(self, command: dict[str, Any]) -> None:
        async def notice(progress: float, total: float | None, message: str | None) -> None:
            say(command, progress=[progress, total, message])

        try:
            session = await self._session(command["url"], command["key"])
            match command["do"]:
                case "about":
                    found: Any = await session.about()
                case "tools":
                    found = await session.tools()
                case _:
                    found = await session.call(command["tool"], command["arguments"], notice)
        except asyncio.CancelledError:
            say(command, raised="cancelled")
            raise
        except Exception as error:  # noqa: BLE001 (whatever a client raises is what is looked at)
            say(command, raised=f"{type(error).__name__}: {error}")
        else:
            say(command, result=found)

    async def _session(self, url: str, key: str) -> Session:
        if (url, key) not in self._sessions:
            ready: asyncio.Future[Session] = asyncio.get_running_loop().create_future()
            self._sessions[url, key] = ready
            self._held.append(asyncio.create_task(self._hold(url, key, ready)))
        return await asyncio.shield(self._sessions[url, key])

    async def _hold(self, url: str, key: str, ready: asyncio.Future[Session]) -> None:
        try:
            async with self._connect(url, key) as session:
                ready.set_result(session)
                await self._over.wait()
        except Exception as error:
            if ready.done():
                raise
            del self._sessions[url, key]
            ready.set_exception(error)


def say(command: dict[str, Any], **said: Any) -> None:
    """Say what a command led to."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps({"id": command["id"], **said}) + "\n")
        sys.stdout.flush()


def dumped(model: Any) -> Any:
    """Return a pydantic model as JSON."""
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def drive(connect: Connect) -> None:
    """Drive a client."""
    asyncio.run(Driver(connect).run())
