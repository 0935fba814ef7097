"""Reads an issuer's public keys (RFC 7517), and keeps those that a token can be checked with."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from policies.values.calls import JsonValue
from policies.values.inert import inert_line
from policies.values.refusals import Refused
from policies.values.strict_json import canonical, parse

_LOG = logging.getLogger(__name__)

LARGEST = 256 * 1024
"""Bytes that an issuer's keys may have."""

_MOST = 100
_ECHO = 60
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_FITTING: Mapping[tuple[str, str | None], Sequence[str]] = {
    ("RSA", None): _RSA,
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
}
"""The algorithms that a kind of key can be used with (RFC 7518, 3.1; RFC 8037, 3.1)."""

_LEAST_BITS, _MOST_BITS = 2048, 8192
"""Of an RSA key (RFC 7518, 3.3), and what checking a signature may cost."""

_LONGEST_MODULUS = _MOST_BITS // 6 + 4


class UnreadableKeys(Exception):
    """What should be an issuer's keys is not, or none of them can be used; the message says why."""


@dataclass(frozen=True)
class KeySet:
    """An issuer's keys by key id and algorithm; `fingerprint` tells two sets apart."""

    keys: Mapping[tuple[str | None, str], Sequence[PyJWK]]
    fingerprint: str

    def fitting(self, key_id: str | None, algorithm: str) -> Sequence[PyJWK]:
        """Return the keys that a token with this header can be signed with, often one or none.

        A token that names no key is checked where only one key fits it.
        """
        if key_id is not None:
            return self.keys.get((key_id, algorithm), ())
        found = [key for (_, fits), keys in self.keys.items() if fits == algorithm for key in keys]
        return found if len(found) == 1 else ()


def read_keys(text: bytes, algorithms: Sequence[str]) -> KeySet:
    """Return the keys in a JWK set that fit one of `algorithms`. Raises UnreadableKeys.

    Left out are shared secrets, private keys, keys for encryption, weak ones
    and whatever else cannot be used.
    """
    usable = [(jwk, fits) for jwk in _objects(text) if (fits := _fits(jwk, algorithms))]
    keys: dict[tuple[str | None, str], list[PyJWK]] = {}
    for jwk, fits in usable:
        key_id = jwk.get("kid")
        for algorithm in fits:
            made = _made(jwk, algorithm)
            if made is not None:
                named = key_id if isinstance(key_id, str) else None
                keys.setdefault((named, algorithm), []).append(made)
    if not keys:
        wanted = ", ".join(algorithms)
        message = f"there is no public key among them that fits {wanted}"
        raise UnreadableKeys(message)
    seen = canonical([jwk for jwk, _ in usable])
    return KeySet(keys, sha256(seen.encode()).hexdigest())


def _objects(text: bytes) -> Iterator[dict[str, JsonValue]]:
    try:
        value = parse(text)
    except Refused as flaw:
        raise UnreadableKeys(str(flaw)) from flaw
    listed = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(listed, list):
        message = "they are not a JSON object with a list of `keys`"
        raise UnreadableKeys(message)
    if len(listed) > _MOST:
        message = f"they are more than {_MOST}"
        raise UnreadableKeys(message)
    yield from (jwk for jwk in listed if isinstance(jwk, dict))


def _fits(jwk: dict[str, JsonValue], algorithms: Sequence[str]) -> list[str]:
    """Return the algorithms, of those allowed, that a key is for."""
    kind, curve, of = jwk.get("kty"), jwk.get("crv"), jwk.get("alg")
    if not isinstance(kind, str) or not isinstance(curve, str | None):
        return []
    if jwk.get("use", "sig") != "sig" or not _verifies(jwk.get("key_ops")):
        return []
    if "d" in jwk:
        shown = inert_line(str(jwk.get("kid")), _ECHO)
        _LOG.error("an issuer publishes its private key `%s`; it counts for nothing", shown)
        return []
    modulus = jwk.get("n")
    if isinstance(modulus, str) and len(modulus) > _LONGEST_MODULUS:
        return []
    possible = _FITTING.get((kind, curve), ())
    return [each for each in possible if each in algorithms and (of is None or of == each)]


def _verifies(operations: JsonValue) -> bool:
    return operations is None or (isinstance(operations, list) and "verify" in operations)


def _made(jwk: dict[str, JsonValue], algorithm: str) -> PyJWK | None:
    texts = {name: value for name, value in jwk.items() if isinstance(value, str)}
    try:
        made = PyJWK(texts, algorithm)
    except (PyJWTError, ValueError, TypeError):
        return None
    if isinstance(made.key, RSAPublicKey) and made.key.key_size < _LEAST_BITS:
        return None
    return made
