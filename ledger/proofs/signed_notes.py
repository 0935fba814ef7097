"""Signs and opens checkpoints: C2SP `signed-note` (Ed25519) with the text of `tlog-checkpoint`.

    placet.example/ledger                   origin, which is the name of the key too
    70000                                   how many leaves
    sFodV/vSp5O8n9a8QpW6PRY97tfOSW5b…=      base64 of the root

    — placet.example/ledger hI2DJw…=        base64 of the key's id and the signature

<https://c2sp.org/signed-note>, <https://c2sp.org/tlog-checkpoint>
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ledger.proofs.merkle import HASH_BYTES
from policies.values.refusals import Refused

LONGEST_NOTE = 1_000_000
"""Characters that a note may have; sixteen signatures of the longest kind fit in."""

LARGEST_SIZE = 2**63 - 1
"""Leaves that a tree may have; no database counts further."""

_MOST_SIGNATURES = 100
"""Lines below a note that are read; the specification asks for sixteen at least."""

_LEAST_LINES = 3
"""What a checkpoint's text has: origin, size and root."""

_ED25519 = b"\x01"
"""The signature type of the specification, section "Signature types"."""

_ID_BYTES = 4

_SIGNATURE = re.compile(r"— (\S+) (\S+)")

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class NotANote(Refused):
    """The text is no signed note, or what is signed is no checkpoint; the message says why."""


class NotVouchedFor(Refused):
    """No key that was asked for signed the checkpoint, or one's signature is wrong."""


class OtherKey(NotVouchedFor):
    """Only keys that were not asked for signed it: nothing is known against what it says."""


class NotAKey(Refused):
    """The text is no key of the form `name+id+base64`; the message says why."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a tree: whose, over how many leaves, and its root.

    Raises ValueError where the three cannot be written as a checkpoint.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not self.origin or "\n" in self.origin or _CONTROL.search(self.origin):
            raise ValueError("the origin of a checkpoint is one line that is not empty")
        if not 0 <= self.size <= LARGEST_SIZE or len(self.root) != HASH_BYTES:
            raise ValueError("a checkpoint has a size from 0 on and a root of 32 bytes")

    def text(self) -> str:
        """Return the lines that are signed, the final newline included."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key and the name that it signs under. Raises ValueError where either is none."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        if not may_name_a_key(self.name):
            raise ValueError("a key's name is not empty and has no space, control character or +")
        if len(self.public) != HASH_BYTES:
            raise ValueError("a public key of Ed25519 has 32 bytes")

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{b64encode(_ED25519 + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> "VerifyingKey":
        """Return the key of `name+id+base64`, as `str` writes it. Raises NotAKey."""
        name, _, rest = text.partition("+")
        claimed, _, encoded = rest.partition("+")
        coded = bytes_of_base64(encoded)
        if coded is None or len(coded) != 1 + HASH_BYTES or not may_name_a_key(name):
            raise NotAKey("a public key is written `name+id+base64`: copy the whole line")
        if not coded.startswith(_ED25519):
            raise NotAKey("the key is of another kind: give one of Ed25519")
        key = cls(name, coded[1:])
        if key.id.hex() != claimed:
            raise NotAKey("the key does not fit its name and id: copy the whole line")
        return key

    @property
    def id(self) -> bytes:
        """Return the four bytes that go before a signature (section "Ed25519 signatures")."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:_ID_BYTES]

    def verifies(self, signature: bytes, text: bytes) -> bool:
        """Say whether the 64 bytes are this key's signature over `text`."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except InvalidSignature:
            return False
        return True

    def pem(self) -> str:
        """Return the key as OpenSSL reads it: `openssl pkeyutl -verify -pubin -rawin`."""
        key = Ed25519PublicKey.from_public_bytes(self.public)
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and the name that it signs under."""

    verifier: VerifyingKey
    _private: Ed25519PrivateKey

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> "SigningKey":
        """Return the key that 32 secret bytes make (RFC 8032). Raises ValueError."""
        private = Ed25519PrivateKey.from_private_bytes(seed)
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return cls(VerifyingKey(name, public), private)

    @property
    def name(self) -> str:
        """Return the name that the key signs under."""
        return self.verifier.name

    def signature(self, text: bytes) -> bytes:
        """Return the 64 bytes over `text`."""
        return self._private.sign(text)


class _Signature(NamedTuple):
    """A line below a note: the name before it, the key's id and what the key made."""

    name: str
    id: bytes
    made: bytes


def sign(checkpoint: Checkpoint, key: SigningKey) -> str:
    """Return the note that says the checkpoint and who vouches for it.

    Raises ValueError where the key's name is not the checkpoint's origin.
    """
    if checkpoint.origin != key.name:
        raise ValueError("a checkpoint is signed by the key that is named like its origin")
    text = checkpoint.text()
    coded = b64encode(key.verifier.id + key.signature(text.encode())).decode()
    return f"{text}\n— {key.name} {coded}\n"


def opened(note: str | bytes, keys: Sequence[VerifyingKey]) -> Checkpoint:
    """Return the checkpoint of a note for which one of `keys` vouches.

    The key has to be named like the origin. Signatures of keys that are not among `keys`, such
    as witnesses', are passed over. Raises NotANote and NotVouchedFor.
    """
    text, signatures = _parted(_read(note))
    vouching: set[str] = set()
    for signature in signatures:
        asked = [key for key in keys if (key.name, key.id) == signature[:2]]
        if asked and not any(key.verifies(signature.made, text.encode()) for key in asked):
            raise NotVouchedFor(f"the signature of `{signature.name}` is not over this checkpoint")
        vouching.update(key.name for key in asked)
    if not vouching:
        raise OtherKey("none of the given keys signed the checkpoint: give the ledger's key")
    checkpoint = _checkpoint(text)
    if checkpoint.origin not in vouching:
        raise NotVouchedFor("the checkpoint is of another ledger than the key that signed it")
    return checkpoint


def unvouched(note: str | bytes) -> Checkpoint:
    """Return what a note says, whoever signed it: only to compare it. Raises NotANote."""
    text, _ = _parted(_read(note))
    return _checkpoint(text)


def _read(note: str | bytes) -> str:
    """Return the note's characters. Raises NotANote for those that no note may have."""
    if len(note) > LONGEST_NOTE:
        raise NotANote(f"a checkpoint is shorter than {LONGEST_NOTE} characters")
    try:
        text = note.decode() if isinstance(note, bytes) else note.encode().decode()
    except UnicodeError as error:
        raise NotANote("a checkpoint is written in UTF-8") from error
    if _CONTROL.search(text):
        raise NotANote("a checkpoint has no control character but the newline")
    return text


def _parted(note: str) -> tuple[str, list[_Signature]]:
    """Return the text that is signed, and the signatures below the last empty line."""
    before, empty, below = note.rpartition("\n\n")
    if not empty or not below.endswith("\n"):
        raise NotANote("a checkpoint ends with an empty line and lines of signatures")
    lines = below[:-1].split("\n")
    if len(lines) > _MOST_SIGNATURES:
        raise NotANote(f"a checkpoint has no more than {_MOST_SIGNATURES} signatures")
    return before + "\n", list(_signatures(lines))


def _signatures(lines: Sequence[str]) -> Iterator[_Signature]:
    for line in lines:
        found = _SIGNATURE.fullmatch(line)
        coded = bytes_of_base64(found[2]) if found else None
        if found is None or coded is None or len(coded) <= _ID_BYTES or "+" in found[1]:
            raise NotANote("a signature is a line of a long dash, a name and base64")
        yield _Signature(found[1], coded[:_ID_BYTES], coded[_ID_BYTES:])


def _checkpoint(text: str) -> Checkpoint:
    """Return what a note's text says (`tlog-checkpoint`, "Note text"). Raises NotANote."""
    lines = text[:-1].split("\n")
    if len(lines) < _LEAST_LINES or "" in lines:
        raise NotANote("a checkpoint says its origin, size and root, and has no empty line")
    origin, size, root = lines[:_LEAST_LINES]
    coded = bytes_of_base64(root)
    if not _SIZE.fullmatch(size) or int(size) > LARGEST_SIZE:
        raise NotANote("the size of a checkpoint is a plain number")
    if coded is None or len(coded) != HASH_BYTES:
        raise NotANote("the root of a checkpoint is base64 of 32 bytes")
    return Checkpoint(origin, int(size), coded)


def may_name_a_key(name: str) -> bool:
    """Say whether a signature line can be written under the name (section "Format")."""
    return bool(re.fullmatch(r"[^\s+\x00-\x1f]+", name)) and name.isprintable()


def bytes_of_base64(text: str) -> bytes | None:
    """Return the bytes of canonical base64 (RFC 4648, section 4), None for anything else."""
    try:
        found = b64decode(text, validate=True)
    except ValueError:
        return None
    return found if b64encode(found).decode() == text else None
