"""Errors of the JSON API, as RFC 9457 has them."""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum

from aiohttp import web

from gateway.calls.calling import Stopping
from gateway.calls.gate import Undecided
from gateway.tools.not_learned import NotLearned
from gateway.wire.errors import SOON, Code, Rejected
from ledger.unavailable import LedgerUnavailable
from policies.values.refusals import Refused

CONTENT_TYPE = "application/problem+json"
PREFIX = "urn:placet:problem:"

_SERVER_ERROR = 500


class Kind(StrEnum):
    """What went wrong, for programs: a problem's `type` is `urn:placet:problem:` and this."""

    INVALID_REQUEST = "invalid-request"
    NOT_AUTHENTICATED = "not-authenticated"
    NOT_PERMITTED = "not-permitted"
    WRONG_ORIGIN = "wrong-origin"
    NO_SUCH_SERVER = "no-such-server"
    NOT_FOUND = "not-found"
    WRONG_METHOD = "wrong-method"
    TOO_SLOW = "too-slow"
    REFUSED = "refused"
    REQUEST_ID_TAKEN = "request-id-taken"
    NOT_RUNNING = "not-running"
    ALREADY_REPORTED = "already-reported"
    TOO_LARGE = "too-large"
    WRONG_CONTENT = "wrong-content"
    BUSY = "busy"
    TOOLS_NOT_KNOWN = "tools-not-known"
    UNDECIDED = "undecided"
    INTERNAL_ERROR = "internal-error"


TITLES: Mapping[Kind, str] = {
    Kind.INVALID_REQUEST: "The request is not what the API takes",
    Kind.NOT_AUTHENTICATED: "No key, or a key of nobody",
    Kind.NOT_PERMITTED: "The key may not do this",
    Kind.WRONG_ORIGIN: "The host or the origin is not of these premises",
    Kind.NO_SUCH_SERVER: "There is no server of this name",
    Kind.NOT_FOUND: "There is no such thing, or it is not yours",
    Kind.WRONG_METHOD: "The HTTP method is not answered here",
    Kind.TOO_SLOW: "The body did not come in time",
    Kind.REFUSED: "The answer is no",
    Kind.REQUEST_ID_TAKEN: "The request id stands for another call",
    Kind.NOT_RUNNING: "The call was not allowed",
    Kind.ALREADY_REPORTED: "Another outcome was reported",
    Kind.TOO_LARGE: "The body is too large",
    Kind.WRONG_CONTENT: "The body is not plain JSON in UTF-8",
    Kind.BUSY: "Too much is under way",
    Kind.TOOLS_NOT_KNOWN: "The tools of the server are not known now",
    Kind.UNDECIDED: "Nothing was decided",
    Kind.INTERNAL_ERROR: "Placet failed",
}

_OF_CODES: Mapping[Code, Kind] = {
    Code.PARSE_ERROR: Kind.INVALID_REQUEST,
    Code.INVALID_REQUEST: Kind.INVALID_REQUEST,
    Code.HEADER_MISMATCH: Kind.INVALID_REQUEST,
    Code.INVALID_PARAMS: Kind.INVALID_REQUEST,
    Code.NOT_AUTHENTICATED: Kind.NOT_AUTHENTICATED,
    Code.NOT_PERMITTED: Kind.NOT_PERMITTED,
    Code.WRONG_ORIGIN: Kind.WRONG_ORIGIN,
    Code.WRONG_CONTENT: Kind.WRONG_CONTENT,
    Code.TOO_LARGE: Kind.TOO_LARGE,
    Code.TOO_SLOW: Kind.TOO_SLOW,
    Code.NO_SUCH_SERVER: Kind.NO_SUCH_SERVER,
    Code.WRONG_METHOD: Kind.WRONG_METHOD,
    Code.BUSY: Kind.BUSY,
    Code.SERVER_FAILED: Kind.TOOLS_NOT_KNOWN,
    Code.UNDECIDED: Kind.UNDECIDED,
    Code.REFUSED: Kind.REFUSED,
}


class Problem(Exception):
    """A request to the JSON API that goes no further, with what its caller is told.

    `errors` say of single members of the request (JSON Pointers) what is wrong.
    """

    def __init__(
        self,
        status: int,
        kind: Kind,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Keep the parts of the answer; `headers` are added to HTTP's."""
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def response(self) -> web.Response:
        """Return the answer as RFC 9457, section 3, has it."""
        told: dict[str, object] = {
            "type": f"{PREFIX}{self.kind}",
            "title": TITLES[self.kind],
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            told["errors"] = [dict(error) for error in self.errors]
        return web.Response(
            status=self.status,
            headers=self.headers,
            body=json.dumps(told).encode(),
            content_type=CONTENT_TYPE,
        )


def problem_of(error: Rejected | Refused) -> Problem:
    """Return what to tell of an error that the gateway's other parts raise."""
    match error:
        case Rejected():
            other = Kind.REFUSED if error.status < _SERVER_ERROR else Kind.INTERNAL_ERROR
            kind = _OF_CODES.get(error.code, other)
            return Problem(error.status, kind, error.message, headers=error.headers)
        case NotLearned():
            return _later(Kind.TOOLS_NOT_KNOWN, error)
        case LedgerUnavailable() | Undecided() | Stopping():
            return _later(Kind.UNDECIDED, error)
        case _:
            return Problem(409, Kind.REFUSED, f"{error}; nothing was executed")


def internal_error() -> Problem:
    """Return what to tell of a fault of ours."""
    detail = "Placet failed; look into its log"
    return Problem(_SERVER_ERROR, Kind.INTERNAL_ERROR, detail)


def not_found(what: str) -> Problem:
    """Return what to tell of a thing that is not there, or not the caller's."""
    return Problem(404, Kind.NOT_FOUND, f"there is no {what}")


def _later(kind: Kind, error: Refused) -> Problem:
    return Problem(503, kind, f"{error}; nothing was executed", headers=SOON)
