"""Computes the keyed digest that an approval is bound to."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from policies.values.authentication_codes import coder
from policies.values.calls import Call
from policies.values.refusals import Refused
from policies.values.strict_json import canonical

_SHORTEST = 32
_PURPOSE = "placet call digest 1\0"
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
    return digests(call, (key,))[0]


def digests(call: Call, keys: Sequence[DigestKey], arguments: str | None = None) -> tuple[str, ...]:
    """Return the digests of `call` under each of these keys, as `digest` does.

    `arguments` is the canonical form of the call's arguments, where that is there already.
    """
    begin, end = _around(call.agent, call.on_behalf_of, call.server, call.tool)
    extras = canonical(call.extras) if call.extras else "{}"
    written = canonical(call.arguments) if arguments is None else arguments
    message = f'{_PURPOSE}{begin}{written},"extras":{extras}{end}'.encode()
    return tuple([f"{key.id}:{coder(key.secret).code(message).hex()}" for key in keys])


@lru_cache(maxsize=1024)
def _around(agent: str, on_behalf_of: str | None, server: str, tool: str) -> tuple[str, str]:
    """Return what stands before and after the arguments, which is the same in many calls."""
    begin = f'{{"agent":{canonical(agent)},"arguments":'
    behalf, where = canonical(on_behalf_of), canonical(server)
    end = f',"on_behalf_of":{behalf},"server":{where},"tool":{canonical(tool)},"version":1}}'
    return begin, end
