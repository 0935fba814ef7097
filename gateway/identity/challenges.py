"""Tells callers who are not let in how to be (RFC 6750, section 3; RFC 9728, section 5.1)."""

from collections.abc import Sequence

from gateway.identity.resources import Resources
from gateway.wire.errors import Code, Rejected

_CODES = {400: Code.INVALID_REQUEST, 401: Code.NOT_AUTHENTICATED, 403: Code.NOT_PERMITTED}
_REFUSED = "the key or token is not good, or not any more; get another one"
_NOTHING = (
    "no key was given; send a key or token of yours in the header `Authorization`, after `Bearer`"
)


class Challenges:
    """The refusals of callers whom we do not know.

    Whatever was sent, an unknown key, one that ended, a token of whatever
    flaw, the answer is the same: only whoever may call learns more.
    """

    def __init__(self, resources: Resources | None = None, scopes: Sequence[str] = ()) -> None:
        """Know where it is said who makes tokens, if anybody, and which scopes they all need."""
        self._resources = resources
        self._scopes = tuple(scopes)

    def nothing_sent(self, path: str) -> Rejected:
        """Return the answer to a request without a key: HTTP 401 and no error code."""
        return self._rejected(401, _NOTHING, self._where(path))

    def not_good(self, path: str) -> Rejected:
        """Return the answer to a key or token that is not good: HTTP 401."""
        told = {"error": "invalid_token", "error_description": _REFUSED}
        return self._rejected(401, _REFUSED, told | self._where(path))

    def malformed(self, path: str, text: str) -> Rejected:
        """Return the answer to a request that shows its key in a wrong way: HTTP 400."""
        told = {"error": "invalid_request", "error_description": text}
        return self._rejected(400, text, told | self._where(path))

    def too_little(self, path: str, scopes: Sequence[str]) -> Rejected:
        """Return the answer to a token that lacks one of `scopes`, which it needs: HTTP 403."""
        text = "the token lacks a scope; get one with all that are named"
        told = {"error": "insufficient_scope", "error_description": text}
        return self._rejected(403, text, told | self._where(path) | {"scope": " ".join(scopes)})

    def _where(self, path: str) -> dict[str, str]:
        if self._resources is None:
            return {}
        found = {"scope": " ".join(self._scopes)} if self._scopes else {}
        return found | {"resource_metadata": self._resources.metadata(self._resources.of(path))}

    def _rejected(self, status: int, text: str, parameters: dict[str, str]) -> Rejected:
        told = {"realm": "placet"} | parameters
        challenge = ", ".join(f"{name}={_quoted(value)}" for name, value in told.items())
        headers = {"WWW-Authenticate": f"Bearer {challenge}"}
        return Rejected(status, _CODES[status], text, headers=headers)


def _quoted(text: str) -> str:
    r"""Return a quoted-string (RFC 9110, section 5.6.4)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
