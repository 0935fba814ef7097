"""Computes what the history is proven by: the salted entry and the leaf hash of each event.

An entry is, in this order and with nothing between:

    0x01                            the version of this format
    ten fields, each                2 bytes big-endian length, then that many bytes of UTF-8:
        position                    decimal digits
        stream
        version                     decimal digits
        type
        at                          decimal digits, microseconds since 1970-01-01 UTC
        actor
        command id                  empty where there is none
        ordinal within the command  decimal digits; empty where there is no command
        correlation id
        causation id
    32 bytes                        HMAC-SHA-256, key the event's salt, message its stored state

The leaf hash is SHA-256 over 0x00 and the entry (RFC 6962, section 2.1). Leaf number
`position - 1` of the tree is the event at `position`. Whoever deletes salt and state
and keeps those 32 bytes takes the content away for good, while every proof still holds.
"""

import hashlib
import struct
from typing import NamedTuple

from policies.values.authentication_codes import code
from policies.values.refusals import Refused

FORMAT = b"\x01"

SALT_BYTES = 16

HMAC_BYTES = 32

LONGEST_FIELD = 4096
"""Bytes of UTF-8 that a header's field may have; an entry stays far under 65,535 bytes."""


_LENGTH = struct.Struct(">H").pack

_LENGTHS = tuple(_LENGTH(size).decode("latin-1") for size in range(LONGEST_FIELD + 1))
"""The two bytes of each length, as the text that Latin-1 makes them of."""


class FieldTooLong(ValueError):
    """A field of the header is longer than an entry may hold."""


class NotAnEntry(Refused):
    """The bytes are not those of an entry."""


class Header(NamedTuple):
    """What an entry says of an event beside its state; `at` is microseconds since 1970 UTC."""

    position: int
    stream: str
    version: int
    type: str
    at: int
    actor: str
    command_id: str | None
    command_ordinal: int | None
    correlation_id: str
    causation_id: str


def entry(header: Header, salt: bytes, state: bytes) -> bytes:
    """Return the bytes that are hashed into the tree. Raises FieldTooLong."""
    return redacted_entry(header, code(salt, state))


def redacted_entry(header: Header, kept: bytes) -> bytes:
    """Return the same of an event of which nothing but the HMAC is kept. Raises FieldTooLong."""
    position, stream, version, topic, at, actor, command, ordinal, story, cause = header
    fields = (
        *(str(position), stream, str(version), topic, str(at), actor, command or ""),
        *("" if ordinal is None else str(ordinal), story, cause),
    )
    return FORMAT + _prefixed(fields) + kept


def _prefixed(fields: tuple[str, ...]) -> bytes:
    """Return the fields in UTF-8, the length before each.

    Almost always all are ASCII, and so is every length: 128 and more are not.
    """
    a, b, c, d, e, f, g, h, i, j = fields
    of = _LENGTHS
    try:
        text = (
            f"{of[len(a)]}{a}{of[len(b)]}{b}{of[len(c)]}{c}{of[len(d)]}{d}{of[len(e)]}{e}"
            f"{of[len(f)]}{f}{of[len(g)]}{g}{of[len(h)]}{h}{of[len(i)]}{i}{of[len(j)]}{j}"
        )
    except IndexError:
        return _measured(fields)
    return text.encode("ascii") if text.isascii() else _measured(fields)


def _measured(fields: tuple[str, ...]) -> bytes:
    encoded = [field.encode() for field in fields]
    longest = max(map(len, encoded))
    if longest > LONGEST_FIELD:
        raise FieldTooLong(f"a field of an event's header has {longest} bytes")
    return b"".join(_LENGTH(len(field)) + field for field in encoded)


def header_in(entry_bytes: bytes) -> Header:
    """Return the header that an entry was made of. Raises NotAnEntry.

    An empty command id stands for none, as do the digits of its ordinal.
    """
    fields = _fields(entry_bytes)
    try:
        position, stream, version, topic, at, actor, command, ordinal, *others = (
            field.decode() for field in fields
        )
        return Header(
            int(position),
            stream,
            int(version),
            topic,
            int(at),
            actor,
            command or None,
            int(ordinal) if ordinal else None,
            *others,
        )
    except ValueError as error:
        raise NotAnEntry("the bytes are no entry of a ledger: a field cannot be read") from error


def _fields(entry_bytes: bytes) -> list[bytes]:
    fields: list[bytes] = []
    at = len(FORMAT)
    while len(fields) < len(Header._fields):
        end = at + 2 + int.from_bytes(entry_bytes[at : at + 2])
        fields.append(entry_bytes[at + 2 : end])
        at = end
    if not entry_bytes.startswith(FORMAT) or at + HMAC_BYTES != len(entry_bytes):
        raise NotAnEntry("the bytes are no entry of a ledger: they have another length")
    return fields


def leaf_hash(entry_bytes: bytes) -> bytes:
    """Return the 32-byte Merkle leaf hash of an entry (RFC 6962, section 2.1)."""
    return hashlib.sha256(b"\x00" + entry_bytes).digest()
