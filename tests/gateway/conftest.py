"""The official SDK's server, and its clients of both eras, each in a process of its own."""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path

import forked
import pytest
from gateway_stage import CI_BOT, RawServer, until
from token_issuer import Issuer

from ledger.lives.approvals import ApprovalStatus

OFFICIAL = Path(__file__).parent / "official"

OF_CLIENTS = ("mcp.client.stdio", "mcp.client.streamable_http")
SDK = forked.Kind(sys.executable, ("httpx2", "mcp.server.mcpserver", "uvicorn", *OF_CLIENTS))
"""What the official clients and servers load."""


class SdkServer(RawServer):
    """The official SDK's server in the place of a raw one."""

    def __init__(self, port):
        super().__init__()
        self.port = port
        self.url = f"http://127.0.0.1:{port}/mcp"
        self.process = None

    async def start(self, _port=0):
        command = [str(OFFICIAL / "sdk_server.py"), str(self.port)]
        with tempfile.TemporaryFile() as said:
            self.process = await forked.start(
                command,
                dict(os.environ),  # noqa: TID251  its own
                stdout=said,
                stderr=said,
                kind=SDK,
            )

        async def listens():
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return True

        await until(listens, 30)

    async def close(self):
        self.process.kill()
        await self.process.wait()

    @property
    def listeners(self):
        return 1


@pytest.fixture
async def sdk_server(free_port):
    """Give the official SDK's server, running."""
    server = SdkServer(free_port)
    await server.start()
    yield server
    await server.close()


@pytest.fixture
async def issuer():
    """Give an issuer of tokens, listening."""
    serving = Issuer()
    await serving.start()
    yield serving
    await serving.close()


@pytest.fixture(params=["2 auto", "2 legacy", "1"])
def client(request):
    """Give a function that runs an official client and returns what it got."""
    if request.param == "1":
        kind = forked.Kind(str(request.getfixturevalue("mcp1_python")), OF_CLIENTS)
        script, mode = "client_1.py", []
    else:
        kind, script, mode = SDK, "client_2.py", [request.param.split()[1]]

    async def run(url, calls, key=CI_BOT):
        command = [str(OFFICIAL / script), url, key, *mode, json.dumps(calls)]
        environment = dict(os.environ)  # noqa: TID251  its own
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            process = await forked.start(command, environment, stdout=out, stderr=errors, kind=kind)
            try:
                code = await asyncio.wait_for(process.wait(), 60)
            except TimeoutError:
                process.kill()
                raise
            out.seek(0)
            errors.seek(0)
            assert code == 0, errors.read().decode()
            return json.loads(out.read())

    return run


@pytest.fixture
def leaving(client):
    """Give a function that runs a client which gives its first call up once that has asked.

    On a busy machine a short patience may end before the question is kept.
    """

    async def run(stage, url, calls, key=CI_BOT):
        for seconds in (2, 8, 32):
            got = await client(url, [[*calls[0], seconds], *calls[1:]], key)
            if await stage.ledger.approvals(ApprovalStatus.PENDING):
                return got
        raise AssertionError("no call asked before its client left")

    return run
