"""Takes the addresses that Placet listens on, all or none."""

import errno
import logging
import os
import resource
import socket
from asyncio import AbstractEventLoop
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

from gateway.wire.silent_peers import ask_after
from ledger.shell import Misconfigured
from policies.yaml.fields import Address

BACKLOG = 1024
"""Connections that may wait to be let in."""

_DESCRIPTORS = 65_536
_UNTAKEN = timedelta(minutes=2)
"""How long what was sent is at least waited for to be taken."""

_SCARCE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_SELDOM = 10.0

_LOG = logging.getLogger(__name__)


def bound(
    addresses: Mapping[str, Address], stack: ExitStack, patience: timedelta = _UNTAKEN
) -> dict[str, socket.socket]:
    """Return a listening socket for each address, by its name in `listen`; `stack` closes them.

    Who connects before something accepts there waits in line. `patience` is how
    long a caller may take nothing of what it was sent. Raises Misconfigured
    naming every address that cannot be had.
    """
    sockets: dict[str, socket.socket] = {}
    wrong: list[str] = []
    for name, address in addresses.items():
        try:
            sockets[name] = stack.enter_context(_bind(address, max(patience, _UNTAKEN)))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            wrong.append(f"cannot listen on `{address}` (`listen.{name}`): {reason}")
    if wrong:
        raise Misconfigured("\n".join(wrong))
    return sockets


def origin(sock: socket.socket) -> str:
    """Return the base address at which a bound socket will be reached."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def tell_seldom(loop: AbstractEventLoop) -> None:
    """Have `loop` say once in ten seconds that nobody can be let in, as where too much is open.

    Python's own says it as often as connections may wait, each second, with a traceback each time.
    Source: `asyncio.selector_events`, `_accept_connection`
    """
    quiet_until = float("-inf")

    def tell(loop: AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal quiet_until
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in _SCARCE and "socket" in context):
            loop.default_exception_handler(context)
        elif loop.time() >= quiet_until:
            quiet_until = loop.time() + _SELDOM
            reason = os.strerror(error.errno or 0).lower()
            _LOG.error("nobody can be let in, which is tried again in a second: %s", reason)

    loop.set_exception_handler(tell)


def descriptors() -> int:
    """Let this process open as many files and connections as it may; return how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return wanted if soft == resource.RLIM_INFINITY else soft


def _bind(address: Address, patience: timedelta) -> socket.socket:
    found = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    family, kind, protocol, _, where = found[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _notice_the_dead(sock, patience)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(where)
        sock.listen(BACKLOG)  # until then a second process could bind the same (SO_REUSEADDR)
    except OSError:
        sock.close()
        raise
    return sock


def _notice_the_dead(sock: socket.socket, patience: timedelta) -> None:
    """Have the system find out that a peer is gone.

    It asks after no one who was sent something and did not say that it came. So
    that is waited for no longer than `patience`, instead of a quarter of an hour: a
    held call, which is told again and again that it waits, would run for a
    caller that is gone. What is accepted on `sock` inherits both, where the
    system can (Linux does).
    """
    ask_after(sock)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        longest = patience // timedelta(milliseconds=1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, longest)
