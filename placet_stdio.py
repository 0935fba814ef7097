"""`placet stdio SERVER`: the gateway for clients that only start commands."""

import argparse
import asyncio
import contextlib
import importlib
import logging
import os
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp

from gateway.stdio_face.face import Face
from gateway.stdio_face.face_lines import error, on_one_line
from gateway.stdio_face.face_pipes import LONGEST_LINE, Pipes
from gateway.wire.errors import Code
from gateway.wire.silent_peers import outgoing
from placet_environment import SETTINGS, Environment, own_key
from placet_quick import address
from policies.values.refusals import Refused

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_URL = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")
_DRAIN = 30.0
"""Seconds for which what was asked may still be answered once the client says no more."""
_CONNECT = 10.0
_LOG = logging.getLogger(__name__)


def describe(parser: argparse.ArgumentParser) -> None:
    """Add what `placet stdio` takes."""
    parser.description = (
        "Speaks MCP on stdin and stdout for one server of a running `placet serve`. The key is "
        "read from PLACET_KEY, or from the file that PLACET_KEY_FILE names."
    )
    parser.add_argument("server", metavar="SERVER", help="a server that placet.yaml names")
    address(parser)
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="whose `listen.agents` is taken where no address is given (default: placet.yaml, if "
        "there is one)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve a client until it says no more, or is told to stop. Returns the exit code."""
    logging.basicConfig(stream=sys.stderr, format="placet: %(message)s", level=logging.WARNING)
    environment = Environment(SETTINGS)
    try:
        url = f"{_address(arguments, environment)}/mcp/{_server(arguments.server)}"
        headers = _headers(environment)
    except Refused as refused:
        sys.stderr.write(f"placet: {refused}\n")
        return 2
    code = asyncio.run(served(Pipes(sys.stdin.buffer, 1), url, headers))
    sys.stderr.flush()
    os._exit(code)  # a thread may wait for a client that neither reads nor ends


def main(argv: Sequence[str]) -> int:
    """Run `placet stdio` with these arguments, those after `placet`; returns its exit code."""
    parser = argparse.ArgumentParser(prog="placet stdio")
    describe(parser)
    return run(parser.parse_args(argv[1:]))


async def served(pipes: Pipes, url: str, headers: Mapping[str, str], drain: float = _DRAIN) -> int:
    """Serve the client at the pipes until it says no more, is gone, or the process is to stop.

    What it asked for may be answered for `drain` seconds more, but for what waits for people.
    Returns the exit code.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT)
    connector = aiohttp.TCPConnector(limit=0, socket_factory=outgoing)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, headers=headers, read_bufsize=2**20
    ) as http:
        face = Face(http, url, pipes.write)
        speaking = asyncio.create_task(_speak(face, pipes, drain))
        ends = (stopped.wait(), pipes.gone.wait(), _overdue(pipes, drain))
        ending = [asyncio.create_task(end) for end in ends]
        await asyncio.wait({speaking, *ending}, return_when=asyncio.FIRST_COMPLETED)
        for task in (speaking, *ending):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await speaking
        await face.close()
    return 0


async def _overdue(pipes: Pipes, drain: float) -> None:
    """Wait until what the client said last has had its time, whatever it waits for."""
    await pipes.ended.wait()
    await asyncio.sleep(drain)


async def _speak(face: Face, pipes: Pipes, drain: float) -> None:
    async for line in pipes.lines():
        if line:
            await face.take(line)
        else:
            text = f"a line is longer than {LONGEST_LINE} bytes; send less at once"
            await pipes.write(on_one_line(error(None, text, Code.TOO_LARGE)))
    await face.drain(drain)


def _address(arguments: argparse.Namespace, environment: Mapping[str, str]) -> str:
    """Return where Placet is reached: as told, as set, as configured, or where it is by default."""
    url: str = arguments.url or environment.get("PLACET_URL") or _configured(arguments.config)
    if _URL.fullmatch(url) is None:
        raise Refused("the address of Placet is none; write it like `http://127.0.0.1:8787`")
    return url.rstrip("/")


def _configured(named: Path | None) -> str:
    config = named or Path("placet.yaml")
    if named is None and not config.exists():
        return "http://127.0.0.1:8787"
    settings = importlib.import_module("placet_settings")  # it needs much of Placet
    listens = settings.load_beside(config).configuration.listen.agents
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listens.host, listens.host)  # noqa: S104 (compared with)
    return f"http://[{host}]:{listens.port}" if ":" in host else f"http://{host}:{listens.port}"


def _server(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise Refused("the server's name is none; give one that placet.yaml names")
    return name


def _headers(environment: Mapping[str, str]) -> Mapping[str, str]:
    key = own_key(environment)
    if key is None:
        return {}
    if not (key.isascii() and key.isprintable() and key == key.strip()):
        raise Refused("the key holds blanks or other characters that no key has")
    return {"Authorization": f"Bearer {key}"}
