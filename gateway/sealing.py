"""Encrypts what has to outlive a request, so that only this service can read and make it."""

import hmac
import secrets
from collections.abc import Sequence
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from policies.values.digests import DigestKey

_PURPOSE = b"placet sealed 1\0"
_NONCE = 12
_KEY_ID = 8


class Unsealable(Exception):
    """The bytes were not sealed by us under these names, or with a key that is gone."""


class Sealer:
    """Seals bytes under names with AES-256-GCM (NIST SP 800-38D).

    The keys are derived from those of the digests: the one in force seals, all
    of them open. What was sealed under other names cannot be opened.
    """

    def __init__(self, keys: Sequence[DigestKey]) -> None:
        """Derive the keys; `keys` has the one in force first."""
        self._ciphers = {
            key.id.encode(): AESGCM(hmac.digest(key.secret, _PURPOSE, sha256)) for key in keys
        }
        self._current = keys[0].id.encode()

    def seal(self, plain: bytes, *names: str) -> bytes:
        """Return `plain` sealed: the key's id, a nonce, and what AES-GCM makes of it."""
        nonce = secrets.token_bytes(_NONCE)
        return (
            self._current
            + nonce
            + self._ciphers[self._current].encrypt(nonce, plain, _bound(names))
        )

    def unseal(self, sealed: bytes, *names: str) -> bytes:
        """Return what was sealed under these names. Raises Unsealable."""
        cipher = self._ciphers.get(sealed[:_KEY_ID])
        if cipher is None or len(sealed) < _KEY_ID + _NONCE:
            raise Unsealable
        nonce, rest = sealed[_KEY_ID : _KEY_ID + _NONCE], sealed[_KEY_ID + _NONCE :]
        try:
            return cipher.decrypt(nonce, rest, _bound(names))
        except InvalidTag:
            raise Unsealable from None


def _bound(names: Sequence[str]) -> bytes:
    """Return names as one run of bytes that no other names give."""
    return b"".join(
        len(raw).to_bytes(4, "big") + raw
        for raw in (name.encode(errors="surrogateescape") for name in names)
    )
