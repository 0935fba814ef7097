"""Servers of the tests in processes of their own."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

_STARTING = 60


@contextlib.contextmanager
def serving(
    command: Sequence[str | Path], port: int, environment: dict[str, str] | None = None
) -> Iterator[None]:
    """Run a command for a block, once it listens on a port of 127.0.0.1."""
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + _STARTING
        while not _listens(port):
            assert process.poll() is None, f"{command} has ended"
            assert time.monotonic() < until, f"{command} does not listen"
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
