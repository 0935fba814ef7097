"""A running `placet demo`, as a newcomer starts it."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import forked

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class RunningDemo:
    """The demo's process and what it has printed so far."""

    process: asyncio.subprocess.Process
    lines: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def told(self, word: str) -> str:
        """Return what stands behind the line that begins with `word`."""
        return next(line.partition(word)[2].strip() for line in self.lines if line.startswith(word))

    async def says(self, text: str, seconds: float = 60) -> str:
        """Wait for a line with `text` in it, and return it."""
        async with asyncio.timeout(seconds):
            while not (found := [line for line in self.lines if text in line]):
                assert self.process.returncode is None, self.lines
                self.changed.clear()
                await self.changed.wait()
        return found[0]

    async def read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode().rstrip("\n"))
            self.changed.set()
        await self.process.wait()  # so that who waits for a line sees that none will come
        self.changed.set()

    async def stop(self) -> int:
        """Press Ctrl-C, and return the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)
        return await asyncio.wait_for(self.process.wait(), 60)


@contextlib.asynccontextmanager
async def running_demo(folder: Path) -> AsyncIterator[RunningDemo]:
    """Run `placet demo` in `folder` for the length of a block, once it is ready."""
    process = await forked.start_piped(
        "demo", "--folder", str(folder), stdout=asyncio.subprocess.PIPE
    )
    demo = RunningDemo(process)
    reading = asyncio.create_task(demo.read())
    try:
        await demo.says("ready")
        yield demo
        await demo.stop()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await reading
