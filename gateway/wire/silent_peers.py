"""Has the system find out whether a silent peer is still there."""

import socket

from aiohttp import AddrInfoType

_PACE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 3))
"""After how many seconds of silence to ask, after how many again, and how often in vain."""


def ask_after(sock: socket.socket) -> None:
    """Have the system ask the peer after a minute, and three times in another.

    Its answers are no more than signs of life; they also keep those in between
    from forgetting a connection on which nobody says anything for long.
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _PACE:
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def outgoing(found: AddrInfoType) -> socket.socket:
    """Make the socket of a connection to a server; `found` is what `getaddrinfo` says of it."""
    family, kind, protocol, *_ = found
    sock = socket.socket(family, kind, protocol)
    try:
        ask_after(sock)
    except OSError:
        sock.close()
        raise
    return sock
