"""Runs one MCP server as a process and reads and writes its lines."""

import asyncio
import contextlib
import logging
import os
import signal
from asyncio.subprocess import PIPE, Process, SubprocessStreamProtocol
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from policies.secrets.redaction import redact_text
from policies.values.inert import inert_line

_log = logging.getLogger(__name__)

PASSED: Final = ("PATH", "HOME", "LANG", "TZ", "TMPDIR")
"""The variables of our own environment that a server gets to see."""

_CHUNK = 64 * 1024
_LONGEST_LINE = 16 * 1024 * 1024
_LONGEST_UNREAD = 32 * 1024 * 1024
_ENDS_KEPT = 4096
_STDERR_LINE = 400
_STDERR_LINES = 100
_STDERR_WINDOW = 10.0
_STDERR_FLOOD = 10_000
"""Lines in a window after which the server has to wait for us to read more."""

_MOMENT = 0.05
_PATIENCE = 2.0


@dataclass(frozen=True)
class TooLong:
    """A line above 16 MiB, of which only both ends were kept."""

    head: bytes
    tail: bytes


class NotReading(Exception):
    """The server has closed its input or leaves more than 32 MiB of it unread."""


@dataclass(frozen=True)
class ServerCommand:
    """How a server is started: from the configuration only, never from a request.

    `environment` is ours, of which it gets the variables in `PASSED` and those
    named in `passed`; `added` is what the configuration gives it.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    added: Mapping[str, str]
    cwd: str | None = None
    passed: Sequence[str] = ()

    def variables(self) -> dict[str, str]:
        """Return the whole environment of the server."""
        names = (*PASSED, *self.passed)
        passed = {name: self.environment[name] for name in names if name in self.environment}
        return {**passed, **self.added}


class _Pipes(SubprocessStreamProtocol):
    """The pipes of a process; tells its end when it comes, not when its pipes are closed."""

    def __init__(self, limit: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit, loop)
        self.exited = asyncio.Event()
        self.useless = asyncio.Event()

    def process_exited(self) -> None:
        """Note the end."""
        self.exited.set()
        self.useless.set()
        super().process_exited()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Note that nothing is read any more."""
        if fd == 0:
            self.useless.set()
        super().pipe_connection_lost(fd, exc)


class StdioProcess:
    """A running server (specification, transports, stdio): one message a line."""

    def __init__(
        self,
        name: str,
        transport: asyncio.SubprocessTransport,
        protocol: "_Pipes",
        process: Process,
    ) -> None:
        """Take over a process whose three pipes are open; its errors go to the log."""
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._name = name
        self._transport = transport
        self._exited = protocol.exited
        self._useless = protocol.useless
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._errors = asyncio.create_task(self._log_errors(process.stderr))

    @classmethod
    async def start(cls, command: ServerCommand) -> "StdioProcess":
        """Start the server in a process group of its own. Raises OSError."""
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.subprocess_exec(
            lambda: _Pipes(limit=_CHUNK, loop=loop),
            *command.command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=command.cwd,
            env=command.variables(),
            start_new_session=True,
        )
        return cls(command.name, transport, protocol, Process(transport, protocol, loop))

    def write(self, line: bytes) -> None:
        """Queue one message, without its line feed, for the server. Raises NotReading."""
        unread = self._stdin.transport.get_write_buffer_size()
        if self._stdin.is_closing() or unread > _LONGEST_UNREAD:
            raise NotReading
        self._stdin.write(line + b"\n")

    async def lines(self) -> AsyncIterator[bytes | TooLong]:
        """Yield what the server writes, line by line, until it closes its output."""
        parts: list[bytes] = []
        size = 0
        while chunk := await self._stdout.read(_CHUNK):
            *ends, rest = chunk.split(b"\n")
            for end in ends:
                yield _line([*parts, end], size + len(end))
                parts, size = [], 0
            parts.append(rest)
            size += len(rest)
            if size > _LONGEST_LINE:
                parts = [b"".join(parts)[:_ENDS_KEPT], b"".join(parts)[-_ENDS_KEPT:]]

    @property
    def status(self) -> int | None:
        """The exit status, negative for a signal; None while the process runs."""
        return self._process.returncode

    async def exit(self) -> None:
        """Wait until the process has ended, whoever holds its pipes."""
        await self._exited.wait()

    async def end(self) -> None:
        """Wait until the process has ended, whoever holds its pipes, or has closed its input."""
        await self._useless.wait()

    async def stop(self) -> None:
        """End the server and all it started: close its input, then SIGTERM, then SIGKILL.

        The order is that of the specification (lifecycle, shutdown, stdio).
        """
        self._stdin.close()
        for number in (signal.SIGTERM, signal.SIGKILL):
            await self._wait()
            self._signal(number)
        await self._wait()
        self._errors.cancel()
        await asyncio.gather(self._errors, return_exceptions=True)
        self._transport.close()

    async def _wait(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._exited.wait(), _PATIENCE)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    async def _log_errors(self, stderr: asyncio.StreamReader) -> None:
        """Log what the server writes to its error output: inert, redacted, and not too much."""
        clock = asyncio.get_running_loop().time
        began, lines, rest = clock(), 0, b""
        while chunk := await stderr.read(_CHUNK):
            if lines > _STDERR_FLOOD:
                await asyncio.sleep(_MOMENT)
            *ends, rest = (rest + chunk).split(b"\n")
            rest = rest[:_CHUNK]
            for line in ends:
                if clock() - began > _STDERR_WINDOW:
                    if lines > _STDERR_LINES:
                        _log.info(
                            "%s: %d more lines not shown",
                            self._name,
                            lines - _STDERR_LINES,
                            extra={"server": self._name},
                        )
                    began, lines = clock(), 0
                lines += 1
                if lines <= _STDERR_LINES:
                    text = redact_text(line[: 4 * _STDERR_LINE].decode(errors="replace")).text
                    _log.info(
                        "%s: %s",
                        self._name,
                        inert_line(text.rstrip("\r"), _STDERR_LINE),
                        extra={"server": self._name},
                    )


def _line(parts: list[bytes], size: int) -> bytes | TooLong:
    whole = b"".join(parts)
    if size > _LONGEST_LINE:
        return TooLong(whole[:_ENDS_KEPT], whole[-_ENDS_KEPT:])
    return whole
