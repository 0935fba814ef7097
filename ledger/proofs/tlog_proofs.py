"""Writes and checks receipts: one entry's proof in a file of its own (C2SP `tlog-proof`).

    c2sp.org/tlog-proof@v1
    extra AQABMQAGcG9saWN5…                 base64 of the entry, as `entries` makes it
    index 41                                the event at position 42
    gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjg…=    base64 of the hashes from the leaf to the root

    placet.example/ledger                   the checkpoint, as `signed_notes` makes it
    …

Whoever has the file and the ledger's public key needs nothing else: SHA-256 over 0x00 and the
entry is the leaf hash, and the path leads from it to the root that is signed. What stands under
`extra` proves nothing until it was hashed so. <https://c2sp.org/tlog-proof>
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from ledger.proofs.entries import leaf_hash
from ledger.proofs.merkle import HASH_BYTES, check_inclusion
from ledger.proofs.signed_notes import (
    LARGEST_SIZE,
    LONGEST_NOTE,
    Checkpoint,
    VerifyingKey,
    bytes_of_base64,
    opened,
)
from policies.values.refusals import Refused

HEADER = "c2sp.org/tlog-proof@v1"

_EXTRA = "extra "

_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)

_LONGEST_PATH = LARGEST_SIZE.bit_length()


class NotAReceipt(Refused):
    """The text is no receipt; the message says why."""


class NotInTree(Refused):
    """The receipt does not prove its entry, or proves another one than it was asked about."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a receipt says, proven or not; `entry` is None where it has none."""

    index: int
    path: tuple[bytes, ...]
    note: str
    entry: bytes | None = None


def receipt(index: int, path: Sequence[bytes], note: str, entry: bytes | None = None) -> str:
    """Return the receipt of the entry at `index` of the tree that `note` is the checkpoint of."""
    extra = [] if entry is None else [_EXTRA + b64encode(entry).decode()]
    hashes = [b64encode(each).decode() for each in path]
    return "\n".join([HEADER, *extra, f"index {index}", *hashes, "", note])


def read_receipt(text: str | bytes) -> Receipt:
    """Return what a receipt says, and check nothing of it. Raises NotAReceipt."""
    if isinstance(text, bytes):
        text = _decoded(text)
    if len(text) > 2 * LONGEST_NOTE:
        raise NotAReceipt(f"a receipt is shorter than {2 * LONGEST_NOTE} characters")
    head, empty, note = text.partition("\n\n")
    if not empty:
        raise NotAReceipt("a receipt has an empty line before its checkpoint")
    header, *lines = head.split("\n")
    if header != HEADER:
        raise NotAReceipt(f"a receipt begins with the line `{HEADER}`")
    entry = _entry(lines.pop(0)) if lines and lines[0].startswith(_EXTRA) else None
    index = _INDEX.fullmatch(lines[0]) if lines else None
    if index is None or int(index[1]) > LARGEST_SIZE:
        raise NotAReceipt("a receipt has a line `index` with a plain number")
    return Receipt(int(index[1]), _path(lines[1:]), note, entry)


def check_receipt(text: str | bytes, leaf: bytes, keys: Sequence[VerifyingKey]) -> Checkpoint:
    """Return the checkpoint that covers the entry with this leaf hash, as the receipt proves.

    Raises NotAReceipt, NotANote, NotVouchedFor and NotInTree.
    """
    said = read_receipt(text)
    if said.entry is not None and leaf_hash(said.entry) != leaf:
        raise NotInTree("the receipt is of another event: write a new one for this event")
    return _checked(said, leaf, keys)


def proven_entry(text: str | bytes, keys: Sequence[VerifyingKey]) -> tuple[bytes, Checkpoint]:
    """Return the entry that a receipt has with it, and the checkpoint that covers it.

    Raises NotAReceipt, NotANote, NotVouchedFor and NotInTree.
    """
    said = read_receipt(text)
    if said.entry is None:
        raise NotAReceipt("the receipt has no line `extra` with the entry: write a new one")
    return said.entry, _checked(said, leaf_hash(said.entry), keys)


def _checked(said: Receipt, leaf: bytes, keys: Sequence[VerifyingKey]) -> Checkpoint:
    checkpoint = opened(said.note, keys)
    if not check_inclusion(leaf, said.index, checkpoint.size, said.path, checkpoint.root):
        raise NotInTree("the receipt does not lead from its event to the root that is signed")
    return checkpoint


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeError as error:
        raise NotAReceipt("a receipt is written in UTF-8") from error


def _entry(line: str) -> bytes:
    entry = bytes_of_base64(line.removeprefix(_EXTRA))
    if entry is None:
        raise NotAReceipt("the line `extra` of a receipt is base64")
    return entry


def _path(lines: Sequence[str]) -> tuple[bytes, ...]:
    if len(lines) > _LONGEST_PATH:
        raise NotAReceipt(f"a receipt has no more than {_LONGEST_PATH} hashes")
    hashes = [bytes_of_base64(line) for line in lines]
    path = tuple(each for each in hashes if each is not None and len(each) == HASH_BYTES)
    if len(path) != len(lines):
        raise NotAReceipt("a hash of a receipt is a line with base64 of 32 bytes")
    return path
