"""Tells the era of a message from its body, and checks the headers that repeat the body."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import NoReturn

from aiohttp import web
from multidict import CIMultiDictProxy

from gateway.upstreams import LEGACY_VERSIONS, MODERN_VERSIONS, Era
from gateway.wire.envelopes import Message, Notification, Request, Response
from gateway.wire.errors import Code, Rejected, RequestId
from policies.values.calls import JsonValue
from policies.values.inert import inert_line

VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"

_ECHO = 60
_WITH_SESSIONS = frozenset({*LEGACY_VERSIONS, "2024-11-05"})
_NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_TASKS = "tasks/"
_ONCE = frozenset({"content-type", "authorization", "host", "origin", "last-event-id"})
ENCODED = re.compile(r"=\?base64\?(.*)\?=")


def era_of(message: Message, headers: CIMultiDictProxy[str]) -> Era:
    """Return the era of a message whose headers agree with its body; each is there once.

    The body decides: 2026-07-28 and later name their version in `_meta`
    (specification, basic, "Per-request protocol fields"). Headers are only
    checked (transports, "Server Validation"), so that whoever routes by them
    sees what was decided. Raises Rejected (HTTP 400).
    """
    known = message.id if isinstance(message, Request) else None
    given = headers.get("MCP-Protocol-Version")
    claimed = None if isinstance(message, Response) else _claimed(message, known)
    if claimed is not None:
        _check_modern(message, claimed, headers, known)
        return Era.MODERN
    if given is None or given in _WITH_SESSIONS:
        _check_names(message, headers, known, required=False)
        return Era.LEGACY
    if not isinstance(message, Request) and given in MODERN_VERSIONS:
        _check_names(message, headers, known, required=False)
        return Era.MODERN
    raise _unknown_version(given, known)


def check_duplicates(http: web.BaseRequest) -> None:
    """Refuse headers of which two readers could see different copies."""
    seen = set()
    for name, _ in http.headers.items():  # noqa: PERF102 (the keys alone come once each)
        lower = name.lower()
        if lower in _ONCE or lower.startswith("mcp-"):
            if lower in seen:
                text = f"the header `{name}` appears more than once; send it once"
                raise Rejected(400, Code.HEADER_MISMATCH, text)
            seen.add(lower)


def _claimed(message: Request | Notification, known: RequestId) -> str | None:
    """Return the version that the body names for itself."""
    meta = message.params.get("_meta")
    if not isinstance(meta, dict) or VERSION_KEY not in meta:
        return None
    version = meta[VERSION_KEY]
    if not isinstance(version, str):
        text = f"`{VERSION_KEY}` is not text; name the protocol's version"
        raise Rejected(400, Code.INVALID_PARAMS, text, id=known)
    if isinstance(message, Request) and not isinstance(meta.get(CAPABILITIES_KEY), dict):
        text = f"`_meta` lacks the object `{CAPABILITIES_KEY}`; send it with every request"
        raise Rejected(400, Code.INVALID_PARAMS, text, id=known)
    return version


def _check_modern(
    message: Message, claimed: str, headers: Mapping[str, str], known: RequestId
) -> None:
    given = headers.get("MCP-Protocol-Version")
    if given != claimed:
        _mismatch("MCP-Protocol-Version", given, f"`{VERSION_KEY}` of the body", known)
    if claimed in _WITH_SESSIONS:
        text = f"version {claimed} is not named in `_meta`; initialize a session instead"
        supported: list[JsonValue] = [*sorted(MODERN_VERSIONS)]
        details: dict[str, JsonValue] = {"supported": supported, "requested": claimed}
        raise Rejected(400, Code.UNSUPPORTED_VERSION, text, id=known, details=details)
    _check_names(message, headers, known, required=isinstance(message, Request))


def _check_names(
    message: Message, headers: Mapping[str, str], known: RequestId, *, required: bool
) -> None:
    """Refuse `Mcp-Method` and `Mcp-Name` that say something else than the body."""
    if isinstance(message, Response):
        return
    method, params = message.method, message.params
    given = headers.get("Mcp-Method")
    if (required or given is not None) and given != method:
        _mismatch("Mcp-Method", given, "`method` of the body", known)
    member = "taskId" if method.startswith(_TASKS) else _NAMED_BY.get(method)
    name = headers.get("Mcp-Name")
    if member is None:
        return
    wanted = params.get(member)
    if name is None and (not required or method.startswith(_TASKS) or wanted is None):
        return
    if name is None or decoded(name) != wanted:
        _mismatch("Mcp-Name", name, f"`{member}` of the body", known)


def decoded(value: str) -> str | None:
    """Return what a header says, `=?base64?…?=` decoded; None where that cannot be read."""
    found = ENCODED.fullmatch(value) if value.startswith("=?") else None
    if found is None:
        return value
    try:
        raw = base64.b64decode(found[1], validate=True)
        return raw.decode() if base64.b64encode(raw).decode() == found[1] else None
    except (binascii.Error, UnicodeDecodeError):
        return None


def _mismatch(header: str, given: str | None, what: str, known: RequestId) -> NoReturn:
    if given is None:
        text = f"the header `{header}` is missing; send it as {what} says"
    else:
        text = f"the header `{header}` differs from {what}; send both alike"
    raise Rejected(400, Code.HEADER_MISMATCH, text, id=known)


def _unknown_version(given: str, known: RequestId) -> Rejected:
    shown = inert_line(given, _ECHO)
    if given in MODERN_VERSIONS:
        text = f"a request of version {shown} names it as `{VERSION_KEY}` in `_meta`; add it"
        return Rejected(400, Code.INVALID_PARAMS, text, id=known)
    supported: list[JsonValue] = [*LEGACY_VERSIONS, *sorted(MODERN_VERSIONS)]
    details: dict[str, JsonValue] = {"supported": supported, "requested": shown}
    text = f"the protocol version `{shown}` is not known; use one of those in `data`"
    return Rejected(400, Code.UNSUPPORTED_VERSION, text, id=known, details=details)
