"""Checks a request before anything in it is read: where it comes from, what it carries."""

import asyncio
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from gateway.callers.crowd import SMALL, Place
from gateway.callers.fast_lane import WholeRequest
from gateway.wire.errors import Code, Rejected
from policies.configuration.settings import GatewaySection
from policies.values.inert import inert_line
from policies.yaml.fields import Address

_ECHO = 60
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
_WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104 (compared with, not bound to)
_CHARSETS = frozenset({"utf-8", "utf8"})
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:@/?#\s]+)(?::[0-9]{1,5})?")


@dataclass(frozen=True)
class Premises:
    """The names this gateway answers to, and the pages that may call it.

    Against DNS rebinding: a browser's page can reach a loopback address, but
    not choose its `Host` and `Origin` (specification, transports, "Security").
    `hosts` are `host:port` or a bare host for any port; `origins` are as
    browsers send them.
    """

    hosts: frozenset[str]
    origins: frozenset[str]

    @classmethod
    def of(cls, address: Address, section: GatewaySection) -> "Premises":
        """Return the premises of a listener, with the names the configuration adds."""
        names = {name.lower() for name in section.allowed_hosts}
        if section.public_url is not None:
            names.add(_bare(urlsplit(section.public_url).netloc.lower()))
        if address.loopback:
            names |= set(_LOOPBACK_NAMES)
        elif address.host not in _WILDCARDS:
            names.add(f"[{address.host}]" if ":" in address.host else address.host.lower())
        return cls(frozenset(names), frozenset(section.allowed_origins))

    def admit(self, request: web.BaseRequest) -> None:
        """Raise Rejected (HTTP 403) where `Host` or `Origin` is not of these premises."""
        hosts = request.headers.getall("Host", [])
        if not request.raw_path.startswith("/"):  # RFC 9112, 3.2.2: such a target names the host
            hosts = [*hosts, request.url.authority]
        if not hosts or not all(self._answers_to(host.lower()) for host in hosts):
            shown = inert_line(", ".join(hosts), _ECHO)
            text = f"the host `{shown}` is not answered here; name it under `allowed_hosts`"
            raise Rejected(403, Code.WRONG_ORIGIN, text)
        for origin in request.headers.getall("Origin", []):
            if not self._lets_in(origin.lower()):
                shown = inert_line(origin, _ECHO)
                text = f"the origin `{shown}` may not call; name it under `allowed_origins`"
                raise Rejected(403, Code.WRONG_ORIGIN, text)

    def page(self, request: web.BaseRequest) -> str | None:
        """Return the origin, as it was sent, of a page from elsewhere that may read its answer.

        That is one that is named, or of this machine where it is let in; not one
        that only shares a host with us, perhaps without TLS. None for all else.
        """
        origins = request.headers.getall("Origin", [])
        if len(origins) != 1:
            return None
        try:
            self.admit(request)
        except Rejected:
            return None
        lower = origins[0].lower()
        named = lower in self.origins or _bare(urlsplit(lower).netloc) in _LOOPBACK_NAMES
        return origins[0] if named else None

    def _answers_to(self, host: str) -> bool:
        return host in self.hosts or _bare(host) in self.hosts

    def _lets_in(self, origin: str) -> bool:
        if origin in self.origins:
            return True
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        exact = origin == f"{parts.scheme}://{parts.netloc}"
        return exact and parts.scheme in {"http", "https"} and _bare(parts.netloc) in self.hosts


def check_content(request: web.BaseRequest) -> None:
    """Raise Rejected (HTTP 415) where the body is not plain JSON in UTF-8."""
    framing = request.headers.getall("Transfer-Encoding", [])
    if "Content-Encoding" in request.headers or any(
        coding.strip().lower() != "chunked" for coding in framing
    ):
        text = "the body is compressed; send it as it is"
        raise Rejected(415, Code.WRONG_CONTENT, text)
    charset = request.charset
    named = request.headers.get("Content-Type", "").lower().count("charset")
    if request.content_type != "application/json" or (
        charset is not None and (charset.lower() not in _CHARSETS or named > 1)
    ):
        text = "the content type is not `application/json` in UTF-8; send it so"
        raise Rejected(415, Code.WRONG_CONTENT, text)


def whole_body(request: web.BaseRequest, limit: int) -> bytes | None:
    """Return the body where it is here already, of at most `limit` bytes; else None."""
    if isinstance(request, WholeRequest) and len(request.body) <= limit:
        return request.body
    return None


async def read_body(request: web.BaseRequest, limit: int, place: Place, patience: float) -> bytes:
    """Return the body; `place` holds memory for a large one, in bytes.

    Raises Rejected: HTTP 413 above `limit` bytes, without reading on; 408 where
    it is not whole within `patience` seconds; 429 or 503 where there is no room.
    """
    length = request.content_length or 0
    if length > limit:
        raise _too_large(limit)
    if length > SMALL:
        place.hold(length)
    try:
        if request.content.is_eof():
            return _limited(request.content.read_nowait(), limit)
        async with asyncio.timeout(patience):
            return await _read_on(request, limit, place, max(length, SMALL))
    except TimeoutError:
        text = f"the body did not come within {patience:.0f} s; send it faster"
        raise Rejected(408, Code.TOO_SLOW, text) from None
    except web.RequestPayloadError:
        text = "the body is not framed as HTTP/1.1 says; send it well-formed"
        closes = {"Connection": "close"}  # where the next request would begin, nobody can tell
        raise Rejected(400, Code.INVALID_REQUEST, text, headers=closes) from None


def _limited(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(limit)
    return body


async def _read_on(request: web.BaseRequest, limit: int, place: Place, held: int) -> bytes:
    """Return a body that is still coming, of which `held` bytes have their place."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        if size > held:
            place.hold(size - held)
            held = size
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(limit: int) -> Rejected:
    text = f"the body is larger than {limit} bytes; send a smaller one"
    return Rejected(413, Code.TOO_LARGE, text)


def _bare(host: str) -> str:
    """Return a host without its port; empty where it is no host, perhaps with a port."""
    found = _HOST.fullmatch(host)
    return found[1] if found else ""
