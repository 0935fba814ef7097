"""Ports of 127.0.0.1 for servers that are started later, or again."""

import contextlib
import os
import socket
from itertools import count

_FIRST, _MANY = 10_000, 22_000
"""Below the ports that systems give to outgoing connections (Linux: from 32,768 on): such a one
could take a port between two starts of its server."""

_next = count(os.getpid() * 97)


def free_port() -> int:
    """Return a port on which nobody listens; in this process another one each time."""
    while True:
        port = _FIRST + next(_next) % _MANY
        with contextlib.closing(socket.socket()) as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
