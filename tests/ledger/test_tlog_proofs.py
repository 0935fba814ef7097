"""A receipt proves its entry and no other; nothing in it can be changed."""

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rfc6962 import ENTRIES, LEAVES, tiles, tree_hash

from ledger.proofs.merkle import inclusion
from ledger.proofs.signed_notes import (
    LONGEST_NOTE,
    Checkpoint,
    NotANote,
    NotVouchedFor,
    SigningKey,
    sign,
)
from ledger.proofs.tlog_proofs import (
    NotAReceipt,
    NotInTree,
    check_receipt,
    proven_entry,
    read_receipt,
    receipt,
)

KEY = SigningKey.from_seed("placet.example/ledger", bytes(range(32)))
KEYS = [KEY.verifier]
REFUSALS = (NotAReceipt, NotANote, NotVouchedFor, NotInTree)


def head_of(size):
    return Checkpoint(KEY.name, size, tree_hash(0, size))


def written(index, size, *, with_entry=True):
    path = inclusion(index, size, tiles)
    note = sign(head_of(size), KEY)
    return receipt(index, path, note, ENTRIES[index] if with_entry else None)


FOURTH = written(3, 5)


def test_a_receipt_is_written_as_the_specification_says():
    note = sign(head_of(5), KEY)
    path = [base64.b64encode(each).decode() for each in (LEAVES[2], tree_hash(0, 2), LEAVES[4])]

    assert written(3, 5) == (
        "c2sp.org/tlog-proof@v1\n"
        "extra ZW50cnkgMw==\n"
        "index 3\n"
        f"{path[0]}\n"
        f"{path[1]}\n"
        f"{path[2]}\n"
        "\n"
        f"{note}"
    )


def test_the_only_entry_of_a_tree_needs_no_path():
    text = written(0, 1, with_entry=False)

    assert text == "c2sp.org/tlog-proof@v1\nindex 0\n\n" + sign(head_of(1), KEY)
    assert check_receipt(text, LEAVES[0], KEYS) == head_of(1)


@given(st.integers(1, 600).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size))))
@example((66_666, 70_000))
def test_a_receipt_proves_its_entry_with_nothing_but_the_key(place):
    index, size = place

    text = written(index, size)

    assert proven_entry(text, KEYS) == (ENTRIES[index], head_of(size))
    assert check_receipt(text.encode(), LEAVES[index], KEYS) == head_of(size)
    assert read_receipt(text).index == index


def test_a_receipt_without_the_entry_proves_a_leaf_hash():
    text = written(3, 5, with_entry=False)

    assert check_receipt(text, LEAVES[3], KEYS) == head_of(5)
    with pytest.raises(NotAReceipt, match="no line `extra`"):
        proven_entry(text, KEYS)


@given(st.integers(0, len(FOURTH.encode()) - 1), st.integers(1, 255))
def test_a_byte_changed_anywhere_proves_nothing(at, difference):
    text = bytearray(FOURTH.encode())
    text[at] ^= difference

    with pytest.raises(REFUSALS):
        proven_entry(bytes(text), KEYS)
    with pytest.raises(REFUSALS):
        check_receipt(bytes(text), LEAVES[3], KEYS)


def test_a_receipt_proves_no_other_entry():
    with pytest.raises(NotInTree, match="of another event"):
        check_receipt(FOURTH, LEAVES[2], KEYS)
    with pytest.raises(NotInTree, match="does not lead"):
        check_receipt(written(3, 5, with_entry=False), LEAVES[2], KEYS)


def test_a_receipt_of_another_key_proves_nothing():
    other = SigningKey.from_seed(KEY.name, bytes(32))

    with pytest.raises(NotVouchedFor):
        proven_entry(FOURTH, [other.verifier])


HASH = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "an empty line before"),
        ("c2sp.org/tlog-proof@v1\nindex 3\n", "an empty line before"),
        (FOURTH.replace("@v1", "@v2"), "begins with the line"),
        ("\n" + FOURTH, "begins with the line"),
        (FOURTH.replace("\n", "\r\n").replace("\r\n\r\n", "\n\n"), "begins with the line"),
        (FOURTH.replace("extra Z", "extra *"), "is base64"),
        (FOURTH.replace("Mw==", "Mx=="), "is base64"),
        (FOURTH.replace("extra ", "Extra "), "a line `index`"),
        (FOURTH.replace("index 3", "index 03"), "a line `index`"),
        (FOURTH.replace("index 3", "index -3"), "a line `index`"),
        (FOURTH.replace("index 3", "index \u0663"), "a line `index`"),
        (FOURTH.replace("index 3", "index 9223372036854775808"), "a line `index`"),
        (FOURTH.replace("index 3\n", ""), "a line `index`"),
        (FOURTH.replace("index 3", "index 3\nindex 3"), "base64 of 32 bytes"),
        (FOURTH.replace("index 3", "index 3\nAAAA"), "base64 of 32 bytes"),
        (FOURTH.replace("index 3", "index 3" + f"\n{HASH}" * 61), "no more than 63 hashes"),
        (FOURTH.encode() + b"\xff", "UTF-8"),
        (FOURTH + "x" * 2 * LONGEST_NOTE, "shorter than"),
    ],
)
def test_a_text_that_is_no_receipt_is_told(text, why):
    with pytest.raises(NotAReceipt, match=why):
        proven_entry(text, KEYS)


@given(st.text() | st.binary())
def test_nothing_but_a_refusal_comes_of_any_text(anything):
    with pytest.raises(REFUSALS):
        check_receipt(anything, LEAVES[0], KEYS)
