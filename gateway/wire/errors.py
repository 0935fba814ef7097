"""JSON-RPC errors as callers of the gateway get them."""

import json
from collections.abc import Mapping
from enum import IntEnum
from typing import TypeAlias

from aiohttp import web

from policies.values.calls import JsonValue, Number
from policies.values.strict_json import canonical

RequestId: TypeAlias = "str | Number | None"
"""The id of a JSON-RPC request; None where it could not be read."""


SOON: Mapping[str, str] = {"Retry-After": "1"}
"""Headers that tell a client to come again in a second (RFC 9110, 10.2.3)."""


class Code(IntEnum):
    """Codes of JSON-RPC errors.

    Those from -32768 to -32000 belong to JSON-RPC 2.0 (section 5.1) and MCP
    (specification 2026-07-28, basic); those from -31999 to -31000 are Placet's own.
    """

    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    INTERNAL_ERROR = -32603
    HEADER_MISMATCH = -32020
    MISSING_CAPABILITY = -32021
    UNSUPPORTED_VERSION = -32022
    NOT_AUTHENTICATED = -31001
    WRONG_ORIGIN = -31002
    WRONG_CONTENT = -31003
    TOO_LARGE = -31004
    NO_SUCH_SERVER = -31005
    NO_SUCH_SESSION = -31006
    SERVER_FAILED = -31007
    UNDECIDED = -31008
    REFUSED = -31009
    WRONG_METHOD = -31010
    NOT_PERMITTED = -31011
    BUSY = -31015
    TOO_SLOW = -31016


class Rejected(Exception):
    """A request that goes no further, with what the caller is told.

    `status` is that of HTTP, `code` that of JSON-RPC. The message is for
    whoever reads the client's log and ends with what to do.
    """

    def __init__(
        self,
        status: int,
        code: Code,
        message: str,
        *,
        id: RequestId = None,  # noqa: A002 (the member is called so in JSON-RPC)
        details: Mapping[str, JsonValue] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Keep the parts of the answer; `headers` are added to HTTP's."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.id = id
        self.details = details
        self.headers = dict(headers or {})

    def body(self) -> bytes:
        """Return the answer as a JSON-RPC error."""
        error = {"code": int(self.code), "message": self.message}
        text = json.dumps(error)
        if self.details is not None:
            text = f'{text[:-1]}, "data": {canonical(self.details)}}}'
        return f'{{"jsonrpc": "2.0", "id": {canonical(self.id)}, "error": {text}}}'.encode()

    def response(self) -> web.Response:
        """Return the answer as JSON-RPC over HTTP."""
        return web.Response(
            status=self.status,
            headers=self.headers,
            body=self.body(),
            content_type="application/json",
        )
