"""Session ids of our own, which say whose they are and at which server."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Sequence

from gateway.wire.errors import Code, Rejected
from policies.values.authentication_codes import coder
from policies.values.digests import DigestKey

_PURPOSE = b"placet session id 1\0"


class Sessions:
    """Wraps a server's session id so that only one agent can use it, at that server.

    The wrapper is signed with a secret derived from the ledger's keys (the
    first signs, all verify), so a restart and every replica can serve it.
    A session id is a name, not a credential: the agent's key is asked for anew
    with every request.
    """

    def __init__(self, keys: Sequence[DigestKey]) -> None:
        """Derive the secrets; `keys` has the key in force first."""
        self._secrets = [coder(key.secret).code(_PURPOSE) for key in keys]

    def wrap(self, session: str, *, agent: str, server: str) -> str:
        """Return the session id that the caller gets, visible ASCII as the specification has it."""
        name = urlsafe_b64encode(session.encode(errors="surrogateescape")).decode().rstrip("=")
        return f"{name}.{self._mark(self._secrets[0], session, agent, server)}"

    def unwrap(self, wrapped: str, *, agent: str, server: str) -> str:
        """Return the server's session id.

        Raises Rejected (HTTP 404: initialize again) for one that is not of
        this agent and server.
        """
        name, _, mark = wrapped.partition(".")
        try:
            session = urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()
        except (Error, ValueError):
            raise no_such_session() from None
        for secret in self._secrets:
            expected = self._mark(secret, session, agent, server)
            if hmac.compare_digest(expected.encode(), mark.encode(errors="surrogateescape")):
                return session
        raise no_such_session()

    def _mark(self, secret: bytes, session: str, agent: str, server: str) -> str:
        signed = b"".join(
            len(part).to_bytes(4, "big") + part
            for part in (session.encode(errors="surrogateescape"), agent.encode(), server.encode())
        )
        return urlsafe_b64encode(coder(secret).code(signed)).decode().rstrip("=")


def no_such_session() -> Rejected:
    """Return what tells a client that its session is over (specification, transports)."""
    text = "the session is not known; initialize a new one"
    return Rejected(404, Code.NO_SUCH_SESSION, text)
