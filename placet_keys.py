"""The keys of a ledger, from the configuration or from the file beside SQLite."""

from pathlib import Path

from ledger.keys import KeyUnusable, digest_keys, kept_keys
from ledger.proofs.signed_notes import NotAKey, VerifyingKey
from ledger.proofs.signing import Signer, signer
from placet_settings import ledger_url, stands_in
from policies.configuration.configuration import Configuration
from policies.values.digests import DigestKey


def keys_of(configuration: Configuration, config: Path) -> tuple[DigestKey, ...]:
    """Return the keys of the digests, making the file beside SQLite. Raises Refused."""
    current, old = _configured(configuration)
    return digest_keys(ledger_url(configuration, config), current, old)


def signer_of(configuration: Configuration, keys: tuple[DigestKey, ...]) -> Signer:
    """Return what signs the checkpoints: with a key of its own, or one made of the digests'.

    Raises KeyUnusable.
    """
    section = configuration.ledger
    own = (section.checkpoint_key, *section.old_checkpoint_keys)
    try:
        lost = [VerifyingKey.parse(text) for text in section.lost_checkpoint_keys]
    except NotAKey as wrong:
        raise KeyUnusable(f"`ledger.lost_checkpoint_keys`: {wrong}") from wrong
    return signer(keys, [secret.get_secret_value() for secret in own if secret is not None], lost)


def signer_beside(configuration: Configuration, config: Path) -> Signer | None:
    """Return the same for a command beside the service; None where it has no key to know it by.

    Raises Refused where the keys are there and cannot be used.
    """
    section = configuration.ledger
    own = section.checkpoint_key
    keys_of_its_own = [key for key in (own, *section.old_checkpoint_keys) if key is not None]
    if any(stands_in(key.get_secret_value()) for key in keys_of_its_own):
        return None
    keys = keys_beside(configuration, config)
    if keys is None:
        return None
    return signer_of(configuration, keys) if keys or own else None


def keys_beside(configuration: Configuration, config: Path) -> tuple[DigestKey, ...] | None:
    """Return the keys of the digests for a command; None where the environment lacks them.

    Raises Refused where they are there and cannot be used.
    """
    current, old = _configured(configuration)
    if any(secret is not None and stands_in(secret) for secret in (current, *old)):
        return None
    return kept_keys(ledger_url(configuration, config), current, old)


def _configured(configuration: Configuration) -> tuple[str | None, list[str]]:
    section = configuration.ledger
    current = section.digest_key.get_secret_value() if section.digest_key else None
    return current, [key.get_secret_value() for key in section.old_digest_keys]
