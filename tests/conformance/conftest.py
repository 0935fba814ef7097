"""The fixture server, and what the conformance suite finds at it without a gateway."""

import functools
import sys
from pathlib import Path

import pytest
from conformance.suite import LEGS, TRIES, run_suite
from ports import free_port
from processes import serving

FIXTURE = Path(__file__).parent / "fixture_server.py"


@pytest.fixture(scope="session")
def fixture_url():
    """Give the address of the fixture server, running."""
    port = free_port()
    with serving([sys.executable, FIXTURE, str(port)], port):
        yield f"http://127.0.0.1:{port}/mcp"


@pytest.fixture(scope="session")
def directly(node, fixture_url, tmp_path_factory):
    """Give a function that says what a leg of the suite finds without a gateway."""

    @functools.cache
    def found(*leg):
        for _ in range(TRIES):
            run = run_suite(node, fixture_url, tmp_path_factory.mktemp("direct"), *leg)
            if run.counted == LEGS[leg]:
                break
        return run

    return found
