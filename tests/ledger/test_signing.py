"""The keys of a ledger count under its own checkpoints, whatever else claims to be one."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from shelled import SIGNER, a_history
from tampering import seal, tamper

from ledger.proofs.signed_notes import Checkpoint, NotANote, NotVouchedFor, opened, sign
from ledger.proofs.signing import Signer

HEAD = Checkpoint("placet/1", 3, bytes(32))


def test_every_key_that_was_in_force_counts():
    older, newer = Signer([b"older"]), Signer([b"newer", b"older"])

    notes = [sign(HEAD, signer.key("placet/1")) for signer in (older, newer)]

    assert [opened(note, newer.known(note)) for note in notes] == [HEAD, HEAD]
    with pytest.raises(NotVouchedFor):
        opened(notes[1], older.known(notes[1]))


@given(st.text())
@example("two words\n3\n")
@example("a+b\n3\n")
@example("\ud800\n3\n")
@example("")
def test_no_note_however_wrong_breaks_the_look_for_its_keys(note):
    with pytest.raises((NotANote, NotVouchedFor)):
        opened(note, SIGNER.known(note))


@pytest.fixture
def sealed(sqlite_url):
    terminal = a_history(sqlite_url)
    seal(sqlite_url)
    return terminal


def test_a_receipt_under_a_checkpoint_that_names_no_ledger_is_not_ok(sealed, tmp_path):
    receipt = tmp_path / "it.tlog-proof"
    sealed.run("audit", "receipt", "apr_1", "--output", str(receipt))
    receipt.write_text(receipt.read_text().replace("\nplacet/", "\nplacet /"))

    code = sealed.run("audit", "receipt", "--verify", str(receipt))

    assert code == 1
    assert sealed.lines[0].startswith("not ok: ")


def test_a_kept_checkpoint_that_names_no_ledger_is_named(sealed, sqlite_url):
    tamper(sqlite_url, "UPDATE ledger_checkpoint SET note = replace(note, 'placet/', 'placet /')")

    code = sealed.run("audit", "verify")

    assert code == 1
    assert "checkpoint" in sealed.text
