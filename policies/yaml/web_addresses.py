"""Tells of an address what no client could make of it: a host, a port or a path there cannot be."""

import re
from ipaddress import ip_address

from policies.yaml.validation import Wrong

_PARTS = re.compile(r"https?://(\[[^\]/]*\]|[^:\[\]/]*)(?::([0-9]{0,9}))?(/.*)?")
_NAME = re.compile(r"(?=.{1,254}$)([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?")
_PATH = re.compile(r"[!-~]*")
_MOST_PORT = 65535


def reachable(url: str) -> str:
    """Return `url`, an http or https address (RFC 3986, 3.2). Raises Wrong."""
    host, port, path = _parts(url)
    if not host.isascii():
        raise Wrong(
            "has a host with letters that are not ASCII",
            "write it as DNS has it, like `xn--bcher-kva.example`",
        )
    if not _is_host(host):
        raise Wrong(
            "has a host that there cannot be",
            "write a name, or an address, an IPv6 one in brackets, like `http://[::1]:8000/`",
        )
    if port and not 1 <= int(port) <= _MOST_PORT:
        raise Wrong("has a port that there cannot be", "write one of 1 to 65535, or none")
    if _PATH.fullmatch(path) is None:
        raise Wrong(
            "has a path with other characters than visible ASCII",
            "write them in percents, like `%C3%BC`",
        )
    return url


def _parts(url: str) -> tuple[str, str | None, str]:
    found = _PARTS.fullmatch(url)
    return (found[1], found[2], found[3] or "") if found else ("", None, "")


def _is_host(host: str) -> bool:
    if not host.startswith("["):
        return _NAME.fullmatch(host) is not None
    try:
        return ip_address(host[1:-1]).version == 6  # noqa: PLR2004  the version that has brackets
    except ValueError:
        return False
