"""A checkpoint is opened only as it was signed; the key and signature of Peter are Go's."""

import base64
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.proofs.signed_notes import (
    LONGEST_NOTE,
    Checkpoint,
    NotAKey,
    NotANote,
    NotVouchedFor,
    SigningKey,
    VerifyingKey,
    opened,
    sign,
)

ORIGIN = "placet.example/ledger"
KEY = SigningKey.from_seed(ORIGIN, bytes(range(32)))
NEWER = SigningKey.from_seed(ORIGIN, b"\x07" * 32)
WITNESS = SigningKey.from_seed("witness.example", b"\x08" * 32)
HEAD = Checkpoint(ORIGIN, 70_000, bytes(range(32, 64)))
TEXT = "placet.example/ledger\n70000\nICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=\n"
NOTE = sign(HEAD, KEY)

PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
PETERS_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETERS_SIGNATURE = (
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)
"""The example of Go's golang.org/x/mod/sumdb/note."""


def signature_line(text, key):
    coded = base64.b64encode(key.verifier.id + key.signature(text.encode())).decode()
    return f"— {key.name} {coded}\n"


def noted(text, *keys):
    """A note of any text, however wrong, with true signatures."""
    return f"{text}\n{''.join(signature_line(text, key) for key in keys)}"


def test_a_note_is_the_text_an_empty_line_and_a_signature_line():
    assert HEAD.text() == TEXT
    assert noted(TEXT, KEY) == NOTE
    assert NOTE.startswith(TEXT + "\n— placet.example/ledger ")


def test_a_signature_is_the_one_that_go_makes():
    key = SigningKey.from_seed("PeterNeumann", PETERS_SEED)

    made = key.verifier.id + key.signature(PETERS_TEXT.encode())

    assert base64.b64encode(made).decode() == PETERS_SIGNATURE
    assert str(key.verifier) == PETER
    assert VerifyingKey.parse(PETER) == key.verifier


def test_a_checkpoint_is_opened_with_its_key():
    assert opened(NOTE, [KEY.verifier]) == HEAD
    assert opened(NOTE.encode(), [NEWER.verifier, KEY.verifier]) == HEAD


def test_a_checkpoint_signed_by_an_older_and_a_newer_key_is_opened_with_either():
    note = noted(TEXT, KEY, NEWER)

    assert opened(note, [KEY.verifier]) == HEAD
    assert opened(note, [NEWER.verifier]) == HEAD


def test_lines_of_keys_that_nobody_asked_for_are_passed_over():
    note = noted(TEXT, WITNESS, KEY) + f"— other.example {base64.b64encode(b'12345').decode()}\n"

    assert opened(note, [KEY.verifier]) == HEAD


def test_extension_lines_are_tolerated():
    assert opened(noted(TEXT + "more\nand more\n", KEY), [KEY.verifier]) == HEAD


def test_the_smallest_and_the_largest_size_are_read():
    for size in (0, 1, 9_223_372_036_854_775_807):
        head = Checkpoint(ORIGIN, size, bytes(32))

        assert opened(sign(head, KEY), [KEY.verifier]) == head


def test_a_checkpoint_that_none_of_the_keys_signed_is_not_vouched_for():
    with pytest.raises(NotVouchedFor, match="none of the given keys"):
        opened(NOTE, [NEWER.verifier, WITNESS.verifier])
    with pytest.raises(NotVouchedFor, match="none of the given keys"):
        opened(NOTE, [])


def test_one_wrong_signature_of_a_known_key_rejects_the_note():
    wrong = signature_line(TEXT.replace("70000", "70001"), NEWER)

    with pytest.raises(NotVouchedFor, match="is not over this checkpoint"):
        opened(NOTE + wrong, [KEY.verifier, NEWER.verifier])


def test_a_key_vouches_for_no_other_origin_than_its_own():
    elsewhere = TEXT.replace("placet.example/ledger", "placet.example/other")

    with pytest.raises(NotVouchedFor, match="of another ledger"):
        opened(noted(elsewhere, KEY), [KEY.verifier])
    with pytest.raises(NotVouchedFor, match="of another ledger"):
        opened(noted(TEXT, WITNESS), [KEY.verifier, WITNESS.verifier])
    with pytest.raises(ValueError, match="named like its origin"):
        sign(HEAD, WITNESS)


@given(st.integers(0, len(NOTE.encode()) - 1), st.integers(1, 255))
def test_a_byte_changed_anywhere_opens_nothing(at, difference):
    note = bytearray(NOTE.encode())
    note[at] ^= difference

    with pytest.raises((NotANote, NotVouchedFor)):
        opened(bytes(note), [KEY.verifier])


ROOT = TEXT.split("\n")[2]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"{ORIGIN}\n7\n", "has no empty line"),
        (f"{ORIGIN}\n7\n{ROOT}\n\nextension\n", "has no empty line"),
        (f"\n7\n{ROOT}\n", "has no empty line"),
        (f"{ORIGIN}\n07\n{ROOT}\n", "a plain number"),
        (f"{ORIGIN}\n-7\n{ROOT}\n", "a plain number"),
        (f"{ORIGIN}\n+7\n{ROOT}\n", "a plain number"),
        (f"{ORIGIN}\n7 \n{ROOT}\n", "a plain number"),
        (f"{ORIGIN}\n\u0667\n{ROOT}\n", "a plain number"),
        (f"{ORIGIN}\n7_0\n{ROOT}\n", "a plain number"),
        (f"{ORIGIN}\n9223372036854775808\n{ROOT}\n", "a plain number"),
        (f"{ORIGIN}\n{'9' * 5000}\n{ROOT}\n", "a plain number"),
        (f"{ORIGIN}\n7\n{ROOT[:-1]}\n", "base64 of 32 bytes"),
        (f"{ORIGIN}\n7\n{ROOT.replace('8=', '9=')}\n", "base64 of 32 bytes"),
        (f"{ORIGIN}\n7\n{ROOT} \n", "base64 of 32 bytes"),
        (f"{ORIGIN}\n7\n{base64.b64encode(bytes(31)).decode()}\n", "base64 of 32 bytes"),
        (f"{ORIGIN}\n7\nröot\n", "base64 of 32 bytes"),
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_told(text, why):
    with pytest.raises(NotANote, match=why):
        opened(noted(text, KEY), [KEY.verifier])


SIGNATURE = signature_line(TEXT, KEY)


@pytest.mark.parametrize(
    ("note", "why"),
    [
        ("", "ends with an empty line"),
        (TEXT, "ends with an empty line"),
        (TEXT + "\n", "ends with an empty line"),
        (NOTE[:-1], "ends with an empty line"),
        (NOTE + "\n", "ends with an empty line"),
        (NOTE.replace("\n", "\r\n"), "no control character"),
        (NOTE.replace("placet", "pl\tacet"), "no control character"),
        (NOTE.replace("placet", "pl\0acet"), "no control character"),
        (NOTE.replace("—", "-"), "a long dash"),
        (NOTE.replace("— ", "—  "), "a long dash"),
        (NOTE.replace("— ", "—\u00a0"), "a long dash"),
        (NOTE.replace("— placet", "— pla+cet"), "a long dash"),
        (NOTE[:-2] + "\n", "a long dash"),
        (NOTE[:-1] + " \n", "a long dash"),
        (f"{TEXT}\n— {ORIGIN}\n", "a long dash"),
        (f"{TEXT}\n— {ORIGIN} AAAAAA==\n", "a long dash"),
        (NOTE + "something else\n", "a long dash"),
        (NOTE.encode().replace(b"placet", b"plac\xffet"), "UTF-8"),
        (NOTE.replace("placet", "plac\ud800et"), "UTF-8"),
        ("x" * LONGEST_NOTE + NOTE, "shorter than"),
        (NOTE + SIGNATURE * 100, "no more than 100 signatures"),
    ],
)
def test_a_text_that_is_no_signed_note_is_told(note, why):
    with pytest.raises(NotANote, match=why):
        opened(note, [KEY.verifier])


@given(st.text() | st.binary())
def test_nothing_but_a_refusal_comes_of_any_text(anything):
    with pytest.raises((NotANote, NotVouchedFor)):
        opened(anything, [KEY.verifier])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is written"),
        ("PeterNeumann", "is written"),
        (PETER.replace("PeterNeumann", ""), "is written"),
        (PETER.replace("PeterNeumann", "Peter Neumann"), "is written"),
        (PETER[:-1], "is written"),
        (PETER + "\n", "is written"),
        (PETER.replace("Peter", "Pete\ud800"), "is written"),
        (PETER.replace("+A", "+B"), "of another kind"),
        (PETER.replace("Peter", "peter"), "does not fit its name"),
        (PETER.replace("c74f20a3", "C74F20A3"), "does not fit its name"),
        (PETER.replace("c74f20a3", "c74f20a4"), "does not fit its name"),
        (PETER.replace("ARpc", "ARpd"), "does not fit its name"),
    ],
)
def test_a_text_that_is_no_key_is_told(text, why):
    with pytest.raises(NotAKey, match=why):
        VerifyingKey.parse(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u2003b", "a\x1fb"])
def test_a_name_that_would_break_a_signature_line_names_no_key(name):
    with pytest.raises(ValueError, match="name is not empty"):
        SigningKey.from_seed(name, bytes(32))


@pytest.mark.parametrize(
    ("origin", "size", "root"),
    [("", 1, bytes(32)), ("a\n9", 1, bytes(32)), ("a", -1, bytes(32)), ("a", 1, bytes(31))],
)
def test_what_cannot_be_written_is_no_checkpoint(origin, size, root):
    with pytest.raises(ValueError, match="checkpoint"):
        Checkpoint(origin, size, root)


def test_a_key_says_nothing_of_its_secret():
    assert bytes(range(32)).hex() not in repr(KEY)
    assert "PRIVATE" not in repr(KEY)


@pytest.fixture
def verified_by_openssl(tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("needs OpenSSL 3: apt-get install openssl")

    def verified(text: str, signature: bytes, pem: str) -> bool:
        for name, content in [("text", text.encode()), ("sig", signature), ("pem", pem.encode())]:
            (tmp_path / name).write_bytes(content)
        command = "openssl pkeyutl -verify -pubin -inkey pem -rawin -in text -sigfile sig"
        done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False)
        return done.returncode == 0 and done.stdout == b"Signature Verified Successfully\n"

    return verified


def test_openssl_verifies_a_checkpoint(verified_by_openssl):
    text, _, line = NOTE.rpartition("\n\n")
    signature = base64.b64decode(line.split()[2])[4:]
    pem = KEY.verifier.pem()

    assert verified_by_openssl(text + "\n", signature, pem)
    assert not verified_by_openssl(text.replace("70000", "70001") + "\n", signature, pem)
    assert not verified_by_openssl(text + "\n", signature, NEWER.verifier.pem())
