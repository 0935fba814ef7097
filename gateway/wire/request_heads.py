"""Writes the heads of HTTP requests to one server."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from multidict import CIMultiDict
from yarl import URL

from gateway.upstreams import UpstreamFailed
from gateway.wire.same import Same

_MOST = 1024
"""Headers whose lines are remembered: callers send the same ones again and again."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_FRAMING = frozenset(
    {"connection", "content-length", "expect", "host", "te", "trailer", "transfer-encoding"}
    | {"keep-alive", "upgrade"}
)


class RequestHeads:
    """The heads of POST requests to one address (RFC 9112, sections 3 and 5)."""

    def __init__(self, url: URL, headers: Mapping[str, str]) -> None:
        """Put down what is the same in every request; `headers` are those of the configuration.

        Raises UpstreamFailed where they cannot be written.
        """
        fixed = {"Host": url.host_port_subcomponent or "", **headers}
        if "accept-encoding" not in {name.lower() for name in headers}:
            fixed["Accept-Encoding"] = "identity"
        self._begin = f"POST {url.raw_path_qs} HTTP/1.1\r\n{_written([*fixed.items()])}"
        self._ours = frozenset(_FRAMING | {name.lower() for name in fixed})
        self._begun = Same(self._with, _MOST)

    def head(self, headers: CIMultiDict[str], length: int) -> bytes:
        """Return the head of a request with these headers and so many bytes of body.

        What the configuration sets stands. The headers must not be changed any
        more. Raises UpstreamFailed where one cannot be written; nothing is sent
        then.
        """
        return b"%bContent-Length: %d\r\n\r\n" % (self._begun.of(headers), length)

    def _with(self, headers: CIMultiDict[str]) -> bytes:
        """Return the beginning of a request with these headers."""
        ours = self._ours
        passing = [field for field in headers.items() if field[0].lower() not in ours]
        return f"{self._begin}{_written(passing)}".encode(errors="surrogateescape")


def _written(fields: Sequence[tuple[str, str]]) -> str:
    """Return header lines that end where they are meant to."""
    check_fields(fields)
    return "".join([f"{name}: {value}\r\n" for name, value in fields])


def check_fields(fields: Sequence[tuple[str, str]]) -> None:
    """Raise UpstreamFailed where a header could be read as more or less than one."""
    for name, _ in fields:
        if not _is_token(name):
            raise UpstreamFailed("the name of a header is none; nothing was sent", sent=False)
    if _CONTROL.search("".join([value for _, value in fields])):
        message = "a header holds a control character; nothing was sent"
        raise UpstreamFailed(message, sent=False)


@lru_cache(maxsize=1024)
def _is_token(name: str) -> bool:
    return _TOKEN.fullmatch(name) is not None
