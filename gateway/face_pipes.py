"""Reads lines from a client and writes lines to it, without ever holding up the event loop."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

LONGEST_LINE = 64 * 1024 * 1024
"""Bytes of a line above which it is refused."""

_AHEAD = 16


class Pipes:
    """Standard input and output as lines; their threads end with the process."""

    def __init__(self, reading: BinaryIO, writing: int) -> None:
        """Take the file that is read and the descriptor that is written to."""
        self._reading = reading
        self._writing = writing
        self._lines: asyncio.Queue[bytes] = asyncio.Queue(_AHEAD)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="stdout")
        self._turn = asyncio.Lock()
        self.gone = asyncio.Event()

    async def lines(self) -> AsyncIterator[bytes]:
        """Yield the lines that come, until there are no more; empty for one that is too long."""
        loop = asyncio.get_running_loop()
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

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        cut = False
        while True:
            try:
                line = self._reading.readline(LONGEST_LINE + 1)
            except (OSError, ValueError):
                line = b""
            beginning, cut = not cut, bool(line) and not line.endswith(b"\n")
            if beginning or not line:
                asyncio.run_coroutine_threadsafe(self._lines.put(line), loop).result()
            if not line:
                return

    def _write(self, line: bytes) -> None:
        while line:
            line = line[os.write(self._writing, line) :]
