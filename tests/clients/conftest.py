"""Every client, and `placet serve` with a server of the official SDK behind it."""

import json
import os
import sys
from pathlib import Path

import pytest
import pytest_asyncio
from clients.driven import Driven, Inspector, Place, running
from ports import free_port
from processes import serving
from scenarios.stage import CI_BOT, OTHER_BOT, Stage

FOLDER = Path(__file__).parent
DRIVERS = FOLDER / "drivers"
NODE = FOLDER.parent / "node"
INSPECTOR = NODE / "node_modules/@modelcontextprotocol/inspector/clients/cli/build/index.js"
SDK_SERVER = FOLDER.parent / "gateway" / "official" / "sdk_server.py"

POLICY = """\
version: 1
default: require_approval
rules:
  - {name: reads, match: {tool: "read_*"}, effect: allow}
  - {name: no-slow-writes, match: {tool: write_slowly}, effect: deny, message: write quickly}
  - name: no-empty-writes
    match: {tool: write_note}
    when: args.text == ""
    effect: deny
    message: write something
"""

PYTHON = {
    "mcp 2 auto": ("mcp_2.py", "auto"),
    "mcp 2 legacy": ("mcp_2.py", "legacy"),
    "mcp 1": ("mcp_1.py",),
    "fastmcp": ("fastmcp_4.py", "plain"),
    "fastmcp tasks": ("fastmcp_4.py", "tasks"),
}
NODE_JS = {
    "sdk 1": ("sdk_1.mjs",),
    "client 2 auto": ("client_2.mjs", "auto"),
    "client 2 legacy": ("client_2.mjs", "legacy"),
}
INSPECTORS = {"inspector modern": "modern", "inspector legacy": "legacy"}
CLIENTS = (*PYTHON, *NODE_JS, *INSPECTORS)
WITH_TASKS = ("fastmcp tasks", "inspector modern")
"""These declare the tasks extension: a call that waits is a task to them, which they poll."""


class Before(Stage):
    """Placet before a server of the official SDK.

    Calls of ci-bot are not held; those of other-bot are, for longer than a test takes.
    """

    def __init__(self, folder: Path, ledger_url: str, server: str) -> None:
        """Take the folder, the ledger's address and the server's."""
        super().__init__(folder, ledger_url, POLICY, "500ms")
        self.sdk = server

    def configuration(self, replica):
        settings = json.loads(super().configuration(replica))
        settings["servers"]["files"]["url"] = self.sdk
        settings["agents"]["ci-bot"]["hold"] = "0s"
        settings["agents"]["other-bot"]["hold"] = "2m"
        return json.dumps(settings, indent=1)


@pytest.fixture(scope="module")
def server():
    """Give the address of the official SDK's server, running."""
    port = free_port()
    with serving([sys.executable, SDK_SERVER, str(port)], port):
        yield f"http://127.0.0.1:{port}/mcp"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def placet(server, tmp_path_factory):
    """Give a stage with one `placet serve`."""
    folder = tmp_path_factory.mktemp("placet")
    stage = Before(folder, f"sqlite:///{folder}/placet.db", server)
    await stage.open()
    try:
        await stage.serve()
        yield stage
    finally:
        await stage.close()


@pytest.fixture(scope="module")
def at_once(placet):
    """Give the place of an agent whose calls are not held."""
    return Place(f"http://{placet.replicas[0].agents}/mcp/files", CI_BOT)


@pytest.fixture(scope="module")
def patient(placet):
    """Give the place of an agent whose calls are held."""
    return Place(f"http://{placet.replicas[0].agents}/mcp/files", OTHER_BOT)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=CLIENTS)
async def client(request, tmp_path_factory):
    """Give a client that does what a test says."""
    name = request.param
    if name in PYTHON:
        script, *mode = PYTHON[name]
        command = (_python(request, name), DRIVERS / script, *mode)
        started = await Driven.start(*command, hears_progress=name not in WITH_TASKS)
    else:
        node = request.getfixturevalue("node")
        if name in NODE_JS:
            script, *mode = NODE_JS[name]
            started = await Driven.start(node, NODE / script, *mode)
        else:
            home = {"HOME": str(tmp_path_factory.mktemp("home")), "PATH": os.environ["PATH"]}  # noqa: TID251  a process needs its path
            era = ("--protocol-era", INSPECTORS[name], "--format", "json")
            started = Inspector([node, INSPECTOR, *era], home)
    async with running(started):
        yield started


def _python(request, name):
    if name == "mcp 1":
        return request.getfixturevalue("mcp1_python")
    return request.getfixturevalue("clients_python") if "fastmcp" in name else sys.executable
