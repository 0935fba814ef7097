"""The fixture server, and what the conformance suite finds at it without a gateway."""

import contextlib
import functools
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conformance.suite import run_suite

FIXTURE = Path(__file__).parent / "fixture_server.py"
_STARTING = 60


@pytest.fixture(scope="session")
def fixture_url():
    """Give the address of the fixture server, running."""
    with contextlib.closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    process = subprocess.Popen([sys.executable, FIXTURE, str(port)])
    try:
        until = time.monotonic() + _STARTING
        while not _listens(port):
            assert process.poll() is None, "the fixture server has ended"
            assert time.monotonic() < until, "the fixture server does not listen"
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="session")
def directly(node, fixture_url, tmp_path_factory):
    """Give a function that says what a leg of the suite finds without a gateway."""

    @functools.cache
    def found(*leg):
        return run_suite(node, fixture_url, tmp_path_factory.mktemp("direct"), *leg)

    return found


def _listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
