"""The official SDK's server, and its clients of both eras, each in a process of its own."""

import asyncio
import contextlib
import json
import sys
from pathlib import Path

import pytest
from gateway_stage import CI_BOT, RawServer, until
from token_issuer import Issuer

OFFICIAL = Path(__file__).parent / "official"


class SdkServer(RawServer):
    """The official SDK's server in the place of a raw one."""

    def __init__(self, port):
        super().__init__()
        self.port = port
        self.url = f"http://127.0.0.1:{port}/mcp"
        self.process = None

    async def start(self, _port=0):
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(OFFICIAL / "sdk_server.py"),
            str(self.port),
            stderr=asyncio.subprocess.DEVNULL,
        )

        async def listens():
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return True

        await until(listens, 30)

    async def close(self):
        self.process.terminate()
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
        python = request.getfixturevalue("mcp1_python")
        command = [str(python), str(OFFICIAL / "client_1.py")]
        mode = []
    else:
        command = [sys.executable, str(OFFICIAL / "client_2.py")]
        mode = [request.param.split()[1]]

    async def run(url, calls, key=CI_BOT):
        process = await asyncio.create_subprocess_exec(
            *command,
            url,
            key,
            *mode,
            json.dumps(calls),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, errors = await asyncio.wait_for(process.communicate(), 60)
        except TimeoutError:
            process.kill()
            raise
        assert process.returncode == 0, errors.decode()
        return json.loads(out)

    return run
