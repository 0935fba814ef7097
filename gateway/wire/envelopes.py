"""Reads the one JSON-RPC message in a body so that no server can read another one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, NoReturn, TypeAlias

from gateway.wire.definitions import is_tool_name
from gateway.wire.errors import Code, Rejected, RequestId
from policies.values.calls import JsonValue, Number
from policies.values.inert import inert_line
from policies.values.strict_json import Flaw, NotStrict, parse

AT_ONCE = 128 * 1024
"""Bytes of a body that are read while all others wait."""

_ECHO = 60
_NO_ZERO = "-0"
"""A number that no server repeats as it was sent: for most readers it is 0."""

_LONGEST_ID = 200
_MEMBERS = frozenset({"jsonrpc", "id", "method", "params", "result", "error"})
_CALL_PARAMS = frozenset({"name", "arguments", "_meta", "task", "requestState", "inputResponses"})
_FOLDED = {names: {name.casefold(): name for name in names} for names in (_MEMBERS, _CALL_PARAMS)}
_OBJECTS = ("arguments", "_meta", "task", "inputResponses")
_PARSE_FLAWS = frozenset({Flaw.ENCODING, Flaw.SYNTAX, Flaw.NUMBER})


class Request(NamedTuple):
    """A request: it has an id and wants an answer; a tuple, as that is made quickly."""

    id: str | Number
    method: str
    params: Mapping[str, JsonValue]
    whole: Mapping[str, JsonValue]


@dataclass(frozen=True)
class Notification:
    """A notification: it has no id and gets no answer."""

    method: str
    params: Mapping[str, JsonValue]
    whole: Mapping[str, JsonValue]


@dataclass(frozen=True)
class Response:
    """A client's answer to a request of the server (protocols before 2026-07-28)."""

    id: str | Number
    whole: Mapping[str, JsonValue]


Message: TypeAlias = Request | Notification | Response


def read_message(body: bytes) -> Message:
    """Return the message in `body` (JSON-RPC 2.0, sections 4 and 5).

    Raises Rejected (HTTP 400) for whatever two readers could take differently:
    see `policies.values.strict_json.parse`; batches; members that are spelled almost
    like those of the protocol; ids that are neither text nor whole numbers.
    """
    try:
        value = parse(body)
    except NotStrict as flaw:
        parsed = flaw.flaw in _PARSE_FLAWS
        code = Code.PARSE_ERROR if parsed else Code.INVALID_REQUEST
        raise Rejected(400, code, str(flaw)) from None
    if isinstance(value, list):
        _refuse(None, "a batch is not answered here; send its messages one by one")
    if not isinstance(value, dict):
        _refuse(None, "the body is not a JSON-RPC object; send one message")
    known = _known_id(value)
    if not value.keys() <= _MEMBERS:
        _check_spelling(known, value, _MEMBERS, "member")
        _check_members(known, value)
    if value.get("jsonrpc") != "2.0":
        _refuse(known, '`jsonrpc` is not "2.0"; send JSON-RPC 2.0')
    return _message(known, value)


def _message(known: RequestId, value: Mapping[str, JsonValue]) -> Message:
    if "method" not in value:
        return _response(known, value)
    method = value["method"]
    if not isinstance(method, str) or not method:
        _refuse(known, "`method` is not the name of a method; send it as text")
    if "result" in value or "error" in value:
        _refuse(known, "the message is a request and an answer at once; send one of them")
    params = value.get("params", {})
    if not isinstance(params, dict):
        _refuse(known, "`params` is not an object; send the parameters by name")
    if "_meta" in params and not isinstance(params["_meta"], dict):
        _refuse(known, "`_meta` is not an object", Code.INVALID_PARAMS)
    if "id" not in value:
        if method == "tools/call":
            _refuse(None, "`tools/call` has no `id`, so it could not be answered; send one")
        return Notification(method, params, value)
    if known is None:
        _refuse(
            None,
            "`id` is neither text nor a whole number of 200 characters at most; send such an id",
        )
    if method == "tools/call":
        _check_call(known, params)
    return Request(known, method, params, value)


def _response(known: RequestId, value: Mapping[str, JsonValue]) -> Response:
    if ("result" in value) == ("error" in value):
        _refuse(known, "the message names no `method`; send a request, notification or answer")
    if known is None:
        _refuse(None, "the answer has no `id` of text or a whole number; send the request's")
    return Response(known, value)


def _check_call(known: RequestId, params: Mapping[str, JsonValue]) -> None:
    """Refuse parameters of `tools/call` that are not what they must be."""
    if not params.keys() <= _CALL_PARAMS:
        _check_spelling(known, params, _CALL_PARAMS, "parameter", Code.INVALID_PARAMS)
    name = params.get("name")
    if not isinstance(name, str) or not is_tool_name(name):
        _refuse(known, "`name` is not the name of a tool; send it as text", Code.INVALID_PARAMS)
    for member in _OBJECTS:
        if member in params and not isinstance(params[member], dict):
            _refuse(known, f"`{member}` is not an object; send one", Code.INVALID_PARAMS)


def _check_spelling(
    known: RequestId,
    members: Mapping[str, JsonValue],
    expected: frozenset[str],
    what: str,
    code: Code = Code.INVALID_REQUEST,
) -> None:
    """Refuse members that a reader without regard to case takes for one of the protocol.

    Go's `encoding/json`, for one, matches names by Unicode's simple case folding.
    """
    for member in members:
        if member not in expected and (meant := _FOLDED[expected].get(member.casefold())):
            shown = inert_line(member, _ECHO)
            _refuse(known, f"the {what} `{shown}` is almost `{meant}`; spell it so", code)


def _check_members(known: RequestId, members: Mapping[str, JsonValue]) -> None:
    """Refuse members that JSON-RPC does not have: nobody would see what they say."""
    for member in members:
        if member not in _MEMBERS:
            shown = inert_line(member, _ECHO)
            _refuse(known, f"a JSON-RPC message has no member `{shown}`; remove it")


def _known_id(value: Mapping[str, JsonValue]) -> RequestId:
    """Return the message's id where it is one that can be answered to."""
    given = value.get("id")
    if isinstance(given, str):
        return given if len(given) <= _LONGEST_ID else None
    if isinstance(given, Number):
        whole = given.text.removeprefix("-").isdigit() and len(given.text) <= _LONGEST_ID
        return given if whole and given.text != _NO_ZERO else None
    return None


def _refuse(known: RequestId, message: str, code: Code = Code.INVALID_REQUEST) -> NoReturn:
    raise Rejected(400, code, message, id=known)
