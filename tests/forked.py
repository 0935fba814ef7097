"""Starts processes from one that has loaded everything they need, each a fork of it.

Loading Placet takes a second of a processor, as does loading an SDK of MCP, and the tests start
some hundreds of processes. A fork is a process like any other: it has its own number, is killed
like one, and ends with its own code. Run as a program, this is the one that is forked: it loads the
modules that are named after the socket on which it then listens.
"""

import array
import asyncio
import atexit
import contextlib
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

_LONGEST = 1024 * 1024
_ROOT = Path(__file__).resolve().parent.parent
_STARTING = threading.Lock()


@dataclass(frozen=True)
class Kind:
    """Processes that are forks of one that has loaded these modules with this interpreter."""

    python: str
    loads: tuple[str, ...]


PLACET = Kind(sys.executable, ("placet", "placet_commands", "placet_entry", "unhurried"))


class Forked:
    """A running `placet`, as `asyncio.subprocess.Process` shows one."""

    def __init__(self, pid: int, connection: socket.socket) -> None:
        """Take its number, and the connection on which its end is told."""
        self.pid = pid
        self.returncode: int | None = None
        self._ended = asyncio.create_task(self._end(connection))

    async def wait(self) -> int:
        """Wait until it has ended, and return its exit code; of a signal, its negative number."""
        return await asyncio.shield(self._ended)

    def send_signal(self, number: int) -> None:
        """Send it a signal. Raises ProcessLookupError where it has ended."""
        if self.returncode is not None:
            raise ProcessLookupError
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power cut would. Raises ProcessLookupError."""
        self.send_signal(signal.SIGKILL)

    async def _end(self, connection: socket.socket) -> int:
        with connection:
            self.returncode = await _number(connection)
        return self.returncode


async def start(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    cwd: Path = _ROOT,
    stdout: BinaryIO,
    stderr: BinaryIO,
    kind: Kind = PLACET,
) -> Forked:
    """Start `placet ARGUMENTS`, or the script that is first of them, with these files."""
    order = {"arguments": list(arguments), "environment": dict(environment), "cwd": str(cwd)}
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(await asyncio.to_thread(_parent, kind))
    nothing = os.open(os.devnull, os.O_RDONLY)
    files = array.array("i", [nothing, stdout.fileno(), stderr.fileno()])
    sent = json.dumps(order).encode() + b"\n"
    connection.sendmsg([sent], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
    os.close(nothing)
    connection.setblocking(False)  # noqa: FBT003  the socket's own way to say it
    return Forked(await _number(connection), connection)


async def _number(connection: socket.socket) -> int:
    said = b""
    while not said.endswith(b"\n"):
        more = await asyncio.get_running_loop().sock_recv(connection, 1)
        assert more, "the process that is forked has ended"
        said += more
    return int(said)


_PROGRAM = """\
#!{python} -SE
import array, json, os, signal, socket, sys

closed = []
for number in range(3):
    try:
        os.fstat(number)
    except OSError:
        closed.append(os.open(os.devnull, os.O_RDWR))  # the lowest number that is free
connection = socket.socket(socket.AF_UNIX)
connection.connect({address!r})
order = dict(arguments=["placet", *sys.argv[1:]], environment=dict(os.environ), cwd=os.getcwd())
order["closed"] = closed
files = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))]
connection.sendmsg([json.dumps(order).encode() + b"\\n"], files)
nothing = os.open(os.devnull, os.O_RDWR)
for number in range(3):
    os.dup2(nothing, number)  # what was handed on is the fork's alone
told = connection.makefile()
child = int(told.readline())
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, lambda number, _: os.kill(child, number))
code = int(told.readline())
sys.exit(code if code >= 0 else 128 - code)
"""


async def start_piped(
    *arguments: str, environment: Mapping[str, str] | None = None, **options: Any
) -> asyncio.subprocess.Process:
    """Start `placet ARGUMENTS` as `asyncio.create_subprocess_exec` starts a program, with pipes.

    What is returned stands between: it hands on signals that ask for an end,
    and where it is killed the fork is.
    """
    command = await asyncio.to_thread(_between)
    options = {"cwd": _ROOT, "env": environment} | options
    return await asyncio.create_subprocess_exec(command, *arguments, **options)


def _between() -> Path:
    folder = Path(_parent(PLACET)).parent
    found = folder / "placet"
    return found if found.exists() else program(folder) / "placet"


def program(folder: Path) -> Path:
    """Write a `placet` into a folder that forks as well, for scripts; return the folder."""
    path = folder / "placet"
    path.write_text(_PROGRAM.format(python=sys.executable, address=_parent(PLACET)))
    path.chmod(0o755)
    return folder


_parents: dict[Kind, str] = {}


def _parent(kind: Kind) -> str:
    """Return the socket of the process that is forked, once it listens; one for all tests here."""
    with _STARTING:
        if kind not in _parents:
            folder = tempfile.mkdtemp(prefix="placet-")
            address = f"{folder}/parent"
            process = subprocess.Popen(
                [kind.python, __file__, address, *kind.loads],
                cwd=_ROOT,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(_ROOT)},  # noqa: TID251  its own
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
            )
            atexit.register(process.wait)
            atexit.register(process.kill)
            assert process.stdout is not None
            assert process.stdout.readline() == b"listening\n"
            _parents[kind] = address
        return _parents[kind]


def _serve(address: str) -> list[str]:
    """Fork for each order; return in the forks, with what is to run and its arguments."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes)
    waiting: dict[int, socket.socket] = {}
    os.write(1, b"listening\n")
    while True:
        ready, _, _ = select.select([listener, woken, *waiting.values()], [], [])
        if listener in ready:
            connection, _ = listener.accept()
            order, files = _order(connection)
            child = os.fork()
            if not child:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for each in (listener, connection, *waiting.values()):
                    each.close()
                os.close(woken)
                os.close(wakes)
                return _become(order, files)
            for each in files:
                os.close(each)
            waiting[child] = connection
            connection.sendall(b"%d\n" % child)
        if woken in ready:
            os.read(woken, 4096)
            _tell_ends(waiting)
        for child, connection in list(waiting.items()):
            if connection in ready:  # whoever started it is gone
                os.kill(child, signal.SIGKILL)
                waiting.pop(child).close()


def _order(connection: socket.socket) -> tuple[dict[str, object], list[int]]:
    said, files, _, _ = socket.recv_fds(connection, _LONGEST, 3)
    while not said.endswith(b"\n"):
        said += connection.recv(_LONGEST)
    return json.loads(said), files


def _become(order: dict[str, object], files: list[int]) -> list[str]:
    for number, each in enumerate(files):
        if number in order.get("closed", ()):  # type: ignore[operator]
            os.close(number)
            setattr(sys, ("stdin", "stdout", "stderr")[number], None)  # as an interpreter finds it
        else:
            os.dup2(each, number)
    for each in files:
        os.close(each)
    os.chdir(str(order["cwd"]))
    os.environ.clear()  # noqa: TID251  a process has an environment of its own
    os.environ.update(order["environment"])  # type: ignore[call-overload] # noqa: TID251
    arguments = order["arguments"]
    assert isinstance(arguments, list)
    return [str(each) for each in arguments]


def _tell_ends(waiting: dict[int, socket.socket]) -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            child, status = os.waitpid(-1, os.WNOHANG)
            if not child:
                return
            connection = waiting.pop(child, None)
            if connection is None:  # it was killed here
                continue
            with contextlib.suppress(OSError):
                connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
            connection.close()


def _run(arguments: list[str]) -> None:
    """Be `placet`, or a script."""
    sys.argv = arguments
    if arguments[0] == "placet":
        import unhurried  # noqa: PLC0415  nor this

        import placet_entry  # noqa: PLC0415  others load nothing of Placet

        unhurried.give()
        sys.exit(placet_entry.main())
    sys.path[0] = str(Path(arguments[0]).parent)
    runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    for name in sys.argv[2:]:
        importlib.import_module(name)
    _run(_serve(sys.argv[1]))
