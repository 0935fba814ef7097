"""The service runs on the event loop that has least work with each call, where that can be."""

import asyncio
import errno
import subprocess
import sys
from types import SimpleNamespace

import pytest
import uvloop

from ledger.shell import Unsaid
from placet_serve import event_loop, tell
from policies.configuration.configuration import Configuration

HTTP = {"url": "http://127.0.0.1:1/mcp", "team": "platform"}
PROCESS = {"command": ["true"], "team": "platform"}
WITHOUT = """
import sys
from types import SimpleNamespace
sys.modules["uvloop"] = None
import placet_serve
print(placet_serve.new_event_loop.__module__)
"""


@pytest.mark.parametrize(
    ("servers", "swift"),
    [({}, True), ({"a": HTTP}, True), ({"a": HTTP, "b": PROCESS}, False), ({"b": PROCESS}, False)],
)
def test_a_process_as_a_server_is_looked_after_by_pythons_own_loop(servers, swift):
    section = {
        "version": 1,
        "policy": "policy.yaml",
        "ledger": {"url": "sqlite:///placet.db"},
        "listen": {"agents": "127.0.0.1:8787", "operations": "127.0.0.1:8789"},
        "people": {"alice": {"slack": "T0ACME/U0ALICE"}},
        "teams": {"platform": {"channel": "C0PLATFORM", "approvers": ["alice"]}},
        "servers": servers,
        "slack": {"mode": "local"},
    }

    loop = event_loop(Configuration.model_validate(section))

    loop.close()
    assert isinstance(loop, uvloop.Loop) == swift
    assert isinstance(loop, asyncio.AbstractEventLoop)


def test_the_service_runs_on_pythons_own_loop_where_nobody_built_another():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True
    )

    assert done.stdout == "asyncio.events\n"


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        (Unsaid("the output is closed"), "the output is closed"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), "[Errno 32] Broken pipe"),
    ],
)
def test_it_serves_where_nothing_can_be_printed(caplog, failure, why):
    service = SimpleNamespace(agents="a", operations="b", slack=None, workspace=None)

    def unheard(_line):
        raise failure

    tell(service, unheard)

    assert caplog.messages == [f"where Placet listens cannot be printed: {why}"]
