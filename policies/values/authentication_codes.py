"""Computes HMAC-SHA-256 from plain SHA-256: `hmac.digest` looks its algorithm up at each call.

The look-up goes through OpenSSL's providers and their locks; beside other work it takes ten times
as long as the hashing. The arithmetic is RFC 2104's, section 2.
"""

from functools import lru_cache
from hashlib import sha256

_BLOCK = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


def code(secret: bytes, message: bytes) -> bytes:
    """Return the 32 bytes of HMAC-SHA-256 over `message` under a secret that is used once."""
    inner, outer = _padded(secret)
    return sha256(outer + sha256(inner + message).digest()).digest()


class Coder:
    """Computes HMAC-SHA-256 under one secret that stays."""

    def __init__(self, secret: bytes) -> None:
        """Begin both hashes with the secret."""
        inner, outer = _padded(secret)
        self._inner = sha256(inner)
        self._outer = sha256(outer)

    def code(self, message: bytes) -> bytes:
        """Return the 32 bytes over `message`."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()


@lru_cache(maxsize=64)
def coder(secret: bytes) -> Coder:
    """Return what computes under `secret`, which is remembered."""
    return Coder(secret)


def _padded(secret: bytes) -> tuple[bytes, bytes]:
    key = sha256(secret).digest() if len(secret) > _BLOCK else secret
    block = key.ljust(_BLOCK, b"\0")
    return block.translate(_INNER), block.translate(_OUTER)
