"""The process opens as many files as it may, and notices callers that have died."""

import socket
import subprocess
import sys
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from ledger.shell import Misconfigured
from placet_sockets import bound
from policies.yaml.fields import Address

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = """
import resource
from placet_sockets import descriptors
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 2048))
print(descriptors(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


CROWDED = """
import asyncio, resource, socket
from placet_sockets import BACKLOG, tell_seldom

async def crowd():
    let_in = asyncio.Event()
    listening = await asyncio.start_server(lambda *_: let_in.set(), "127.0.0.1", 0, backlog=BACKLOG)
    address = listening.sockets[0].getsockname()
    callers = [socket.create_connection(address) for _ in range(8)]
    taken = []
    try:
        while True:
            taken.append(socket.socket())
    except OSError:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    for each in taken:
        each.close()
    print(let_in.is_set())
    await let_in.wait()
    print(let_in.is_set())

resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
loop = asyncio.new_event_loop()
tell_seldom(loop)
loop.call_exception_handler({"message": "something else"})
loop.run_until_complete(crowd())
"""


def test_the_limit_of_open_files_is_raised_as_far_as_the_system_lets_it():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["2048", "2048", "2048"]


def test_an_address_is_taken_before_anything_is_accepted_there():
    with ExitStack() as stack:
        taken = bound({"agents": Address(host="127.0.0.1", port=0)}, stack)["agents"]
        address = Address(host="127.0.0.1", port=taken.getsockname()[1])

        with pytest.raises(Misconfigured, match=r"`listen\.operations`.*in use"):
            bound({"operations": address}, stack)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="needs TCP_USER_TIMEOUT")
@pytest.mark.parametrize(("patience", "longest"), [(60, 120_000), (600, 600_000)])
def test_what_was_sent_is_waited_for_to_be_taken_no_longer_than(patience, longest):
    with ExitStack() as stack:
        address = {"agents": Address(host="127.0.0.1", port=0)}
        listening = bound(address, stack, timedelta(seconds=patience))["agents"]
        stack.enter_context(socket.create_connection(listening.getsockname()))
        accepted, _ = listening.accept()
        stack.enter_context(accepted)

        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == longest


@pytest.mark.skipif(not hasattr(socket, "TCP_KEEPIDLE"), reason="needs TCP_KEEPIDLE")
def test_what_is_accepted_is_asked_after_when_it_is_silent():
    with ExitStack() as stack:
        listening = bound({"agents": Address(host="127.0.0.1", port=0)}, stack)["agents"]
        client = stack.enter_context(socket.create_connection(listening.getsockname()))
        accepted, _ = listening.accept()
        stack.enter_context(accepted)

        assert client.getsockname() == accepted.getpeername()
        assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60


def test_where_too_much_is_open_it_is_said_once_and_callers_are_let_in_later():
    done = subprocess.run(
        [sys.executable, "-c", CROWDED], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["False", "True"]
    assert done.stderr.splitlines() == [
        "something else",
        "nobody can be let in, which is tried again in a second: too many open files",
    ]
