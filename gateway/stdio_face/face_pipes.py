"""Reads lines from a client and writes lines to it, without ever holding up the event loop."""

import asyncio
import os
import select
import stat
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

LONGEST_LINE = 64 * 1024 * 1024
"""Bytes of a line above which it is refused."""

_AHEAD = 16


class Pipes:
    """Standard input and output as lines; their threads end with the process.

    `ended` is set once there is no more to read, `gone` once nobody reads any more.
    """

    def __init__(self, reading: BinaryIO, writing: int) -> None:
        """Take the file that is read and the descriptor that is written to."""
        self._reading = reading
        self._writing = writing
        self._lines: asyncio.Queue[bytes] = asyncio.Queue(_AHEAD)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="stdout")
        self._turn = asyncio.Lock()
        self.gone = asyncio.Event()
        self.ended = asyncio.Event()

    async def lines(self) -> AsyncIterator[bytes]:
        """Yield the lines that come, until there are no more; empty for one that is too long."""
        loop = asyncio.get_running_loop()
        self._watch(loop)
        threading.Thread(target=self._read, args=(loop,), daemon=True, name="stdin").start()
        while line := await self._lines.get():
            if len(line) > LONGEST_LINE:
                yield b""
            elif line.strip():
                yield line.strip()

    async def write(self, line: bytes) -> None:
        """Write one line; once nobody reads any more, that is noted and nothing is written."""
        async with self._turn:
            if not self.gone.is_set():
                loop = asyncio.get_running_loop()
                try:
                    await loop.run_in_executor(self._writer, self._write, line)
                except OSError:
                    self.gone.set()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to note that nobody reads any more; of pipes and sockets it can be seen."""
        kind = os.fstat(self._writing).st_mode
        if stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind):
            loop.add_reader(self._writing, self._stirred, loop)

    def _stirred(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look what there is about the output; something to read there is nothing to us."""
        loop.remove_reader(self._writing)
        looking = select.poll()
        looking.register(self._writing, 0)
        if any(seen & (select.POLLERR | select.POLLHUP) for _, seen in looking.poll(0)):
            self.gone.set()

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        cut = False
        while True:
            try:
                line = self._reading.readline(LONGEST_LINE + 1)
            except (OSError, ValueError):
                line = b""
            if not line:
                loop.call_soon_threadsafe(self.ended.set)
            beginning, cut = not cut, bool(line) and not line.endswith(b"\n")
            if beginning or not line:
                asyncio.run_coroutine_threadsafe(self._lines.put(line), loop).result()
            if not line:
                return

    def _write(self, line: bytes) -> None:
        while line:
            line = line[os.write(self._writing, line) :]
