"""Keeps one stdio server running: starts it, introduces us, starts it again when it ends."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Coroutine

from gateway.servers.synthesis import Introduction, NotSpoken
from gateway.started.stdio_channel import Answer, Broken, Channel
from gateway.started.stdio_server import NotReading, ServerCommand, StdioProcess
from gateway.upstreams import LEGACY_VERSIONS, UpstreamFailed
from policies.values.inert import inert_line

_log = logging.getLogger(__name__)

_INTRODUCTION = 60.0  # a first start may install packages
_RESTART = 2.0
_LAST_LINES = 1.0
_STEADY = 30.0
_LONGEST_DELAY = 30.0
_ECHO = 80


class Supervisor:
    """Runs a server as one process after another."""

    def __init__(
        self,
        command: ServerCommand,
        *,
        told: Callable[[str, str | None], None],
        restarted: Callable[[Introduction, Channel], None],
        first_delay: float,
        start: float = 30.0,
    ) -> None:
        """Know what to run; `told` gets its notifications, `restarted` is called when it is back.

        After an end, the next start waits `first_delay` seconds, then twice as
        long each time up to 30 s, until one run has lasted 30 s. A first start is
        waited for `start` seconds.
        """
        self._start = start
        self._command = command
        self._told = told
        self._restarted = restarted
        self._first_delay = first_delay
        self._server: tuple[Introduction, Channel] | None = None
        self._changed = asyncio.Event()
        self._delay = first_delay
        self._trouble: str | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._runs = 0
        self.starts = 0
        self._garbage = 0

    def start(self) -> None:
        """Start the server in the background."""
        self._keeping = asyncio.create_task(self._keep_running())

    async def close(self) -> None:
        """End the server and start it no more."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
            self._keeping = None
        self._trouble = "it is shut down"
        self._announce()

    @property
    def channel(self) -> Channel | None:
        """The way to the server while it runs."""
        return None if self._server is None else self._server[1]

    @property
    def garbage(self) -> int:
        """Count the lines that were no messages, over all runs."""
        return self._garbage + (0 if self.channel is None else self.channel.garbage)

    def trouble(self) -> str | None:
        """Say why the server cannot be used now; None where it can."""
        if self._server is not None:
            return None
        return f"`{self._command.name}`: {self._trouble or 'it is starting'}"

    async def ready(self) -> tuple[Introduction, Channel]:
        """Return what the server said of itself and the way to it.

        Waits for a first start (30 s), and for a restart (2 s) that is near.
        Raises UpstreamFailed.
        """
        if self._server is None and self._trouble is None:
            await self._news(self._start)
        if self._server is None and self._delay <= _RESTART and self._keeping is not None:
            await self._news(_RESTART)
        if self._server is None:
            why = self._trouble or "it is still starting"
            message = f"the server `{self._command.name}` cannot be used: {why}"
            raise UpstreamFailed(message, sent=False)
        return self._server

    async def _news(self, patience: float) -> None:
        """Wait until the server is up or has failed, `patience` seconds at most."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), patience)

    def _announce(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _keep_running(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            self._trouble = await self._run()
            _log.warning(
                "%s: %s", self._command.name, self._trouble, extra={"server": self._command.name}
            )
            if clock() - began > _STEADY:
                self._delay = self._first_delay
            self._announce()
            await asyncio.sleep(self._delay)
            self._delay = min(2 * self._delay, _LONGEST_DELAY)

    async def _run(self) -> str:
        """Run the server until it ends and return why it did."""
        try:
            process = await StdioProcess.start(self._command)
        except (OSError, ValueError) as failed:
            return f"it cannot be started ({inert_line(str(failed), _ECHO)})"
        self.starts += 1
        channel = Channel(self._command.name, process, self._told)
        serving = asyncio.create_task(self._serve(process, channel))
        try:
            async with asyncio.timeout(_INTRODUCTION):
                introduction = await _introduce(channel)
            if introduction is not None:
                self._begin(introduction, channel)
            await serving
        except TimeoutError:
            return f"it did not answer `initialize` within {_INTRODUCTION:.0f} s"
        except NotSpoken:
            return f"it does not speak a known version of the protocol{_status(process)}"
        finally:
            await _to_the_end(_ended(serving, process))
        return f"it ended{_status(process)}"

    def _begin(self, introduction: Introduction, channel: Channel) -> None:
        if channel.over:
            return
        self._runs += 1
        self._server = (introduction, channel)
        self._trouble = None
        self._announce()
        if self._runs > 1:
            self._restarted(introduction, channel)

    async def _serve(self, process: StdioProcess, channel: Channel) -> None:
        """Read the server's output until it closes it or ends, then fail what is open."""
        reading = asyncio.create_task(channel.read())
        ending = asyncio.create_task(process.end())
        exiting = asyncio.create_task(process.exit())
        try:
            await asyncio.wait({reading, ending}, return_when=asyncio.FIRST_COMPLETED)
            self._server = None
            channel.over = True
            await asyncio.wait({reading, exiting}, timeout=_LAST_LINES)
        finally:
            self._server = None
            self._garbage += channel.garbage
            name = self._command.name
            channel.fail(f"the server `{name}` ended before it answered{_status(process)}")
            for task in (reading, ending, exiting):
                task.cancel()
            await asyncio.gather(reading, ending, exiting, return_exceptions=True)
            if not reading.cancelled() and (bug := reading.exception()):
                _log.error(
                    "%s: reading its output failed", name, exc_info=bug, extra={"server": name}
                )


async def _ended(serving: asyncio.Task[None], process: StdioProcess) -> None:
    """End a server, and what reads its output."""
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    await process.stop()


async def _to_the_end(work: Coroutine[None, None, None]) -> None:
    """Do `work`, all of it also where whoever waits for it is cancelled meanwhile."""
    doing = asyncio.ensure_future(work)
    try:
        await asyncio.shield(doing)
    except asyncio.CancelledError:
        await doing
        raise


async def _introduce(channel: Channel) -> Introduction | None:
    """Shake hands (specification 2025-11-25, lifecycle), offering nothing.

    Returns None where the server ended before. Raises NotSpoken.
    """
    params = json.dumps(
        {
            "protocolVersion": LEGACY_VERSIONS[-1],
            "capabilities": {},
            "clientInfo": {"name": "placet", "version": "1"},
        }
    )
    try:
        event = await channel.request("initialize", lambda _: params).mailbox.take()
        if isinstance(event, Broken):
            return None
        if not isinstance(event, Answer) or event.is_error:
            raise NotSpoken
        introduction = Introduction.read(event.text)
        channel.notify("notifications/initialized")
    except NotReading:
        return None
    return introduction


def _status(process: StdioProcess) -> str:
    """Return the exit status in words, where there is one."""
    status = process.status
    if status is None:
        return ""
    return f" (exit status {status})" if status >= 0 else f" (signal {-status})"
