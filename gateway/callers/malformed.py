"""Says what is wrong with a request that is no HTTP/1.1, or is not for a server such as this."""

from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError, LineTooLong

from gateway.callers.reading_on import LARGEST_HEAD, HeadTooLong
from gateway.wire.errors import Code, Rejected

_TOO_MANY = "Too many headers"
"""How aiohttp begins to say that there are more than 128; it has no other way to tell."""

_TOO_LARGE = 431
"""The status of what has too large a head (RFC 6585, section 5)."""


class OtherVersion(HttpProcessingError):
    """A request names a version of HTTP that is not spoken here (RFC 9110, 15.6.6)."""


class NoTunnel(HttpProcessingError):
    """A request asks for a tunnel, which is for proxies to make (RFC 9110, 9.3.6)."""


def rejection(why: HttpProcessingError | None) -> Rejected:
    """Return what to tell of a request, and why as far as that is known."""
    match why:
        case LineTooLong():
            text = "a header, or the first line, is longer than 8,190 bytes; send a shorter one"
            return Rejected(_TOO_LARGE, Code.INVALID_REQUEST, text)
        case HeadTooLong():
            text = f"the headers have more than {LARGEST_HEAD} bytes in all; send fewer"
            return Rejected(_TOO_LARGE, Code.INVALID_REQUEST, text)
        case BadHttpMessage() if why.message.startswith(_TOO_MANY):
            text = "the request has more than 128 headers; send fewer"
            return Rejected(_TOO_LARGE, Code.INVALID_REQUEST, text)
        case OtherVersion():
            text = "this version of HTTP is not spoken here; use HTTP/1.1"
            return Rejected(505, Code.INVALID_REQUEST, text)
        case NoTunnel():
            text = "`CONNECT` is not answered here; use POST, GET or DELETE"
            allow = {"Allow": "POST, GET, DELETE"}
            return Rejected(405, Code.WRONG_METHOD, text, headers=allow)
    text = "the request is not HTTP/1.1 that can be read in one way only; send it well-formed"
    return Rejected(400, Code.INVALID_REQUEST, text)
