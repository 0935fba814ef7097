"""The functions that conditions can call beside CEL's own; none of them raises."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from zoneinfo import ZoneInfo

from policies.values.matching import Glob

CANNOT = object()
"""What a function returns for input that it cannot take: the evaluator makes an error of it."""

_LONGEST_URL = 8192
_LONGEST_PATH = 4096
_LONGEST_ADDRESS = 64
_LONGEST_TEXT = 4096
_LONGEST_GLOB = 256
_LONGEST_HOST = 253

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(?:[/?#]|\Z)")
_HOSTLESS = re.compile(
    "about|blob|cid|data|filesystem|intent|jar|javascript|magnet|mailto|mid|sms|tel|urn|vbscript"
    "|view-source",
    re.IGNORECASE,
)
"""Schemes of URLs in which no host stands behind `//`, whatever it looks like."""
_HOST = re.compile(
    r"(?:(?P<name>[A-Za-z0-9_.-]+)|\[(?P<six>[0-9A-Fa-f:.]+)\])(?::(?P<port>[0-9]{0,5}))?"
)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")
_LARGEST_PORT = 65535
_ODD_IN_PATHS = re.compile(
    r"[\\\x00-\x1f\x7f]|//|%u?[0-9A-Fa-f]{2}|(?:^|/)~|(?:^|/)\.\.[. ]*(?:/|\Z)|^[A-Za-z]:"
)
_NOWHERE = re.compile(r"/\.(?=/|\Z)")
_ZONE_OFFSET = re.compile(r"([+-])([0-9]{2}):([0-5][0-9])")
_MOST_OFFSET = timedelta(hours=18)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def domain(url: object) -> object:
    """Return the host of a URL in lower case: no user, port or final dot.

    A URL that different programs could read differently is not taken: user
    names, backslashes, escapes, letters beyond ASCII and odd numbers in the
    host (WHATWG URL, section 3.5; RFC 3986, section 3.2.2). Nor is one whose
    scheme knows no host, such as `javascript`.
    """
    if not isinstance(url, str) or len(url) > _LONGEST_URL:
        return CANNOT
    found = _URL.match(url)
    host = _HOST.fullmatch(found[2]) if found else None
    if found is None or _HOSTLESS.fullmatch(found[1]):
        return CANNOT
    if host is None or int(host["port"] or 0) > _LARGEST_PORT:
        return CANNOT
    if host["six"] is not None:
        address = _address(host["six"])
        return CANNOT if address is None else str(address)
    return _name(host["name"].lower().removesuffix("."))


def _name(name: str) -> object:
    labels = name.split(".")
    if len(name) > _LONGEST_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        return CANNOT
    if _NUMBER.fullmatch(labels[-1]) and not isinstance(_address(name), IPv4Address):
        return CANNOT
    return name


def path_within(path: object, root: object) -> object:
    """Say whether an absolute path is `root` or below it, by its text alone.

    A relative path is not. A path that could lead elsewhere than it reads is
    not taken: `..` (with blanks or dots behind it, too), `//`, `~`, backslashes,
    percent escapes, control characters, drive letters, and letters that stand for one of these.
    """
    if not (isinstance(path, str) and isinstance(root, str)):
        return CANNOT
    if not is_root(root) or _odd(path) or not path:
        return CANNOT
    if not path.startswith("/"):
        return False
    return f"{_plain(path)}/".startswith(f"{_plain(root)}/")


def is_root(root: str) -> bool:
    """Say whether a text is an absolute path without tricks."""
    return root.startswith("/") and not _odd(root)


def _odd(path: str) -> bool:
    if len(path) > _LONGEST_PATH or _ODD_IN_PATHS.search(path):
        return True
    if path.isascii():
        return False
    plain = unicodedata.normalize("NFKC", path)
    return len(plain) > _LONGEST_PATH or any(
        plain.count(sign) != path.count(sign) for sign in "./\\%~:"
    )


def _plain(path: str) -> str:
    """Return a path without `.` steps and without a slash at its end."""
    return _NOWHERE.sub("", path).removesuffix("/")


def ip_in(address: object, network: object) -> object:
    """Say whether an IP address is in a network like `10.0.0.0/8`.

    IPv4 addresses written as IPv6 (`::ffff:10.0.0.1`, RFC 4291, section
    2.5.5.2) are the IPv4 addresses they stand for. Zones (`%eth0`), leading
    zeros and a network with host bits are not taken.
    """
    if not (isinstance(address, str) and isinstance(network, str)):
        return CANNOT
    one, many = _address(address), network_of(network)
    if one is None or many is None:
        return CANNOT
    return one.version == many.version and one in many


def network_of(text: str) -> Network | None:
    """Return the network that a text writes, or None."""
    if len(text) > _LONGEST_ADDRESS or "%" in text or not text.isascii():
        return None
    _, slash, length = text.partition("/")
    if slash and not (length.isdigit() and str(int(length)) == length):
        return None
    try:
        network = ip_network(text)
    except ValueError:
        return None
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < 96:  # noqa: PLR2004 - the bits before the IPv4 address
        return network
    return IPv4Network((mapped, network.prefixlen - 96))


def _address(text: str) -> Address | None:
    if len(text) > _LONGEST_ADDRESS or "%" in text or not text.isascii():
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def matches_glob(text: object, glob: object) -> object:
    """Say whether the whole text fits a pattern: `*` is any run, `?` any one character."""
    if not (isinstance(text, str) and isinstance(glob, str)):
        return CANNOT
    if len(text) > _LONGEST_TEXT or not is_glob(glob):
        return CANNOT
    return Glob(glob).matches(text)


def is_glob(glob: str) -> bool:
    """Say whether a text is short enough for a pattern, and not empty."""
    return 0 < len(glob) <= _LONGEST_GLOB


def zone_of(name: str) -> tzinfo | None:
    """Return a time zone by its IANA name or offset (`Europe/Berlin`, `+02:00`), or None."""
    offset = _ZONE_OFFSET.fullmatch(name)
    if offset is not None:
        difference = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        if difference > _MOST_OFFSET:
            return None
        return timezone(-difference if offset[1] == "-" else difference)
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return None


_CLOCK: Mapping[str, Callable[[datetime], int]] = {
    "getDate": lambda at: at.day,
    "getDayOfMonth": lambda at: at.day - 1,
    "getDayOfWeek": lambda at: at.isoweekday() % 7,
    "getDayOfYear": lambda at: at.timetuple().tm_yday - 1,
    "getFullYear": lambda at: at.year,
    "getHours": lambda at: at.hour,
    "getMilliseconds": lambda at: at.microsecond // 1000,
    "getMinutes": lambda at: at.minute,
    "getMonth": lambda at: at.month - 1,
    "getSeconds": lambda at: at.second,
}


def _in_zone(part: Callable[[datetime], int]) -> Callable[..., object]:
    def read(at: object, name: object = "UTC") -> object:
        zone = zone_of(name) if isinstance(name, str) else None
        if not isinstance(at, datetime) or zone is None:
            return CANNOT
        try:
            return part(at.astimezone(zone))
        except OverflowError:
            return CANNOT

    return read


OWN: Mapping[str, Callable[..., object]] = {
    "domain": domain,
    "ip_in": ip_in,
    "matches_glob": matches_glob,
    "path_within": path_within,
}
"""What we add to CEL, by name."""

CLOCK: Mapping[str, Callable[..., object]] = {name: _in_zone(part) for name, part in _CLOCK.items()}
"""CEL's own parts of a time, in the time zone that is named (CEL, list of standard definitions)."""
