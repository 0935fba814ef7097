"""The keys that checkpoints are signed with: made of the ledger's secrets, the newest in force."""

import uuid
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from ledger.proofs.signed_notes import SigningKey, VerifyingKey, may_name_a_key
from policies.values.authentication_codes import code
from policies.values.digests import DigestKey

_PURPOSE = b"placet checkpoint key 1\0"


class Keys(Protocol):
    """Whose signatures count."""

    def known(self, note: str) -> Sequence[VerifyingKey]:
        """Return the keys whose signatures under `note` count."""
        ...


class Signer:
    """Signs with the key in force; knows the checkpoints of the keys before it too."""

    def __init__(self, secrets: Sequence[bytes], lost: Sequence[VerifyingKey] = ()) -> None:
        """Take the secrets, the one in force first; the Ed25519 seeds are derived from them.

        Of `lost` keys only the public ones are left: they sign no more, and count.
        """
        self._lost = tuple(lost)
        self._seeds = [code(secret, _PURPOSE) for secret in secrets]

    def key(self, origin: str) -> SigningKey:
        """Return the key in force, by the name of the log that it signs for."""
        return _key(origin, self._seeds[0])

    def known(self, note: str) -> tuple[VerifyingKey, ...]:
        """Return the keys whose signatures under `note` count."""
        origin = note.partition("\n")[0]
        if not may_name_a_key(origin):
            return ()
        return *(_key(origin, seed).verifier for seed in self._seeds), *self._lost

    @staticmethod
    def new_origin() -> str:
        """Return a name for a log that has none yet; it stays with the log for ever."""
        return f"placet/{uuid.uuid4().hex}"


def signer(
    keys: Sequence[DigestKey], own: Sequence[str] = (), lost: Sequence[VerifyingKey] = ()
) -> Signer:
    """Return the signer with secrets of its `own`, the one in force first.

    Without one it signs with what is derived from the secrets of the digests.
    """
    return Signer([*(secret.encode() for secret in own), *(key.secret for key in keys)], lost)


@lru_cache(maxsize=64)
def _key(origin: str, seed: bytes) -> SigningKey:
    return SigningKey.from_seed(origin, seed)


class Given:
    """The keys that somebody gave, beside those of the ledger's secrets where they are here."""

    def __init__(self, keys: Sequence[VerifyingKey], signer: Signer | None) -> None:
        """Take the keys."""
        self._keys = tuple(keys)
        self._signer = signer

    def known(self, note: str) -> tuple[VerifyingKey, ...]:
        """Return the keys whose signatures under `note` count."""
        return self._keys + (self._signer.known(note) if self._signer else ())
