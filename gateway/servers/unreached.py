"""Says why a server cannot be reached, in words that name no address: callers read them, too."""

import os
import socket
import ssl
from types import MappingProxyType
from typing import Final

from aiohttp import ClientConnectorCertificateError, ClientConnectorError

_FLAWS: Final = MappingProxyType(
    {
        9: "it counts from a later time on",
        10: "it has expired",
        18: "it vouches for itself",
        19: "nobody known vouches for it",
        20: "nobody known vouches for it",
        62: "it is for another name",
        64: "it is for another address",
    }
)
"""What is wrong with a certificate, by OpenSSL's number (x509_vfy.h)."""


def unreached(name: str, error: BaseException) -> str:
    """Return what to say of the server `name` that cannot be reached because of `error`."""
    cause = _cause(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        flaw = _FLAWS.get(cause.verify_code, "")
        said = f"the server `{name}` shows a certificate that cannot be trusted"
        return f"{said}{f' ({flaw})' if flaw else ''}; nothing was sent to it"
    return f"the server `{name}` cannot be reached ({_why(cause)}); nothing was sent to it"


def _cause(error: BaseException) -> BaseException:
    """Return what aiohttp had to tell of."""
    if isinstance(error, ClientConnectorCertificateError):
        return error.certificate_error
    return error.os_error if isinstance(error, ClientConnectorError) else error


def _why(cause: BaseException) -> str:
    if isinstance(cause, socket.gaierror):
        return "its name leads to no address"
    if isinstance(cause, ssl.SSLError):
        return "it speaks no TLS that is understood here"
    if isinstance(cause, TimeoutError):
        return "connecting takes too long"
    if isinstance(cause, ConnectionRefusedError):
        return "nothing listens there"
    number = cause.errno if isinstance(cause, OSError) else None
    return os.strerror(number).lower() if number else "it does not take the connection"
