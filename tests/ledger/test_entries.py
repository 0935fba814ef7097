"""Entries and leaf hashes are what the format says; the vectors were checked with OpenSSL."""

import hashlib
import hmac

import pytest
from acme import ask, assessed
from hypothesis import given
from hypothesis import strategies as st
from open_ledgers import open_ledger, prepare
from sqlalchemy import select

from ledger.proofs.entries import FieldTooLong, Header, entry, leaf_hash, redacted_entry
from ledger.storage.tables import EVENT
from policies.rules.decisions import Effect

FIRST = Header(
    position=1,
    stream="policy",
    version=1,
    type="PolicyActivated",
    at=1_795_435_200_000_000,
    actor="placet:policy",
    command_id="policy-1",
    command_ordinal=0,
    correlation_id="policy",
    causation_id="",
)

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=50)


def test_an_entry_is_its_length_prefixed_header_and_the_salted_state():
    salt = bytes.fromhex("000102030405060708090a0b0c0d0e0f")

    made = entry(FIRST, salt, b'{"digest":"5f"}')

    assert made == (
        b"\x01"
        b"\x00\x011"
        b"\x00\x06policy"
        b"\x00\x011"
        b"\x00\x0fPolicyActivated"
        b"\x00\x101795435200000000"
        b"\x00\x0dplacet:policy"
        b"\x00\x08policy-1"
        b"\x00\x010"
        b"\x00\x06policy"
        b"\x00\x00"
        + bytes.fromhex("22027737172f7cacf9c4fef7627010add98c4042771fe23e85b831b695d0a484")
    )
    assert leaf_hash(made).hex() == (
        "92f5b49376dd3a9974525e081de8d27d908f7670253b2f58f1ad975d07887e28"
    )


def test_an_entry_without_a_command_has_two_empty_fields():
    header = Header(2, "call-cäll", 1, "CallDecided", 0, "agent:ci-bot", None, None, "", "xxx")

    made = entry(header, b"\xff" * 16, b"")

    assert made[:60] == (
        b"\x01\x00\x012\x00\x0acall-c\xc3\xa4ll\x00\x011\x00\x0bCallDecided\x00\x010"
        b"\x00\x0cagent:ci-bot\x00\x00\x00\x00\x00\x00\x00\x03xxx"
    )
    assert leaf_hash(made).hex() == (
        "d09bf558f2610b70b47b63720a66704e7c97a3a6005931bb5c7ea3b21641f489"
    )


def test_a_field_that_is_too_long_is_refused():
    with pytest.raises(FieldTooLong, match="4098 bytes"):
        entry(FIRST._replace(stream="é" * 2049), b"", b"")


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 257, 4095, 4096])
@pytest.mark.parametrize("letter", ["x", "é", "\x00", "\x7f"])
def test_a_field_of_any_size_has_its_length_in_bytes_before_it(size, letter):
    field = (letter * size)[: size // len(letter.encode())]
    stored = field.encode()

    made = redacted_entry(FIRST._replace(actor=field), b"")

    assert made == (
        b"\x01\x00\x011\x00\x06policy\x00\x011\x00\x0fPolicyActivated\x00\x101795435200000000"
        + len(stored).to_bytes(2)
        + stored
        + b"\x00\x08policy-1\x00\x010\x00\x06policy\x00\x00"
    )


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_no_two_headers_make_the_same_entry(stream, actor, correlation, causation):
    header = FIRST._replace(
        stream=stream, actor=actor, correlation_id=correlation, causation_id=causation
    )
    moved = header._replace(stream=stream + actor, actor="")

    same = entry(header, b"", b"") == entry(moved, b"", b"")

    assert same == (header == moved)


async def test_every_row_holds_the_hash_of_itself(ledger_url):
    with open_ledger(ledger_url) as ledger:
        await prepare(ledger)
        await ledger.execute(ask())
        await ledger.execute(ask("call_2", assessed(Effect.DENY)))
        with ledger._parts.database.reading.connect() as connection:
            rows = connection.execute(select(EVENT).order_by(EVENT.c.position)).all()

    assert len(rows) == 6
    assert len({row.salt for row in rows}) == 6
    for row in rows:
        fields = (
            row.position, row.stream, row.version, row.type, row.at, row.actor,
            row.command_id, row.command_ordinal, row.correlation_id, row.causation_id,
        )  # fmt: skip
        encoded = [str(field).encode() for field in fields]
        header = b"".join(len(field).to_bytes(2, "big") + field for field in encoded)
        mac = hmac.new(row.salt, row.state, hashlib.sha256).digest()
        assert row.leaf_hash == hashlib.sha256(b"\x00\x01" + header + mac).digest()
