"""Computes the keyed digest that an approval is bound to."""

import hashlib
from dataclasses import dataclass, field

from policies.authentication_codes import coder
from policies.calls import Call
from policies.refusals import Refused
from policies.strict_json import canonical

_SHORTEST = 32
_PURPOSE = b"placet call digest 1\0"
_ID_PURPOSE = b"placet digest key id 1\0"


class WeakSecret(Refused):
    """The secret of the digests is too short to keep digests from being guessed."""


@dataclass(frozen=True, slots=True)
class DigestKey:
    """A key of the digests; `id` (8 hex digits) says which one, and tells nothing of `secret`."""

    id: str
    secret: bytes = field(repr=False)


def digest_key(secret: str) -> DigestKey:
    """Return the key made of `secret`. Raises WeakSecret under 32 characters."""
    if len(secret) < _SHORTEST:
        raise WeakSecret(
            f"the secret of the digests has {len(secret)} characters; use {_SHORTEST} or more"
        )
    material = secret.encode()
    return DigestKey(hashlib.sha256(_ID_PURPOSE + material).hexdigest()[:8], material)


def digest(call: Call, key: DigestKey) -> str:
    """Return `key id:hex` of HMAC-SHA-256 (RFC 2104) over the canonical form of `call`.

    It covers who calls, on whose behalf, server, tool, arguments and the
    members of `params` that the protocol does not know, all before redaction.
    Numbers count as written: 1, 1.0 and "1" give three digests.
    """
    parts = (
        *('{"agent":', canonical(call.agent), ',"arguments":', canonical(call.arguments)),
        *(',"extras":', canonical(call.extras), ',"on_behalf_of":', canonical(call.on_behalf_of)),
        *(',"server":', canonical(call.server), ',"tool":', canonical(call.tool), ',"version":1}'),
    )
    message = _PURPOSE + "".join(parts).encode()
    return f"{key.id}:{coder(key.secret).code(message).hex()}"
