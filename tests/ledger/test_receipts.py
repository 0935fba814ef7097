"""A receipt proves one decision to whoever has the public key, and nothing else."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelled import a_history
from tampering import seal, tamper

from ledger.proofs.entries import Header, NotAnEntry, entry, header_in, leaf_hash
from ledger.proofs.tlog_proofs import read_receipt
from policies.values.refusals import NotUnderstood, Refused


@pytest.fixture
def terminal(ledger_url):
    terminal = a_history(ledger_url)
    seal(ledger_url)
    return terminal


def issued(terminal, folder, *what):
    """Write a receipt and its content, and return where."""
    receipt, content = folder / "it.tlog-proof", folder / "it.json"
    terminal.run(*("audit", "receipt", *what), "--output", str(receipt), "--content", str(content))
    return receipt, content


def verify(terminal, receipt, *more):
    return terminal.run("audit", "receipt", "--verify", str(receipt), *more)


@pytest.mark.parametrize(
    ("what", "event", "who"),
    [
        (["apr_1"], "ApprovalGiven", "person:bob"),
        (["apr_3"], "ApprovalRequested", "agent:ci-bot"),
        (["call_1"], "CallDecided", "agent:ci-bot"),
        (["grt_1"], "GrantIssued", "person:bob"),
        (["--position", "1"], "PolicyActivated", "placet:policy"),
    ],
)
def test_a_receipt_says_what_was_decided_and_by_whom(terminal, tmp_path, what, event, who):
    receipt, content = issued(terminal, tmp_path, *what)
    said = terminal.lines[0]

    code = verify(terminal, receipt, "--content", str(content))

    assert code == 0, terminal.text
    assert f": {event} at position " in said
    assert terminal.lines[0].startswith(f"ok: {event} at position ")
    assert who in terminal.lines[1]
    assert json.loads(terminal.lines[-1])


def test_what_a_receipt_proves_can_be_computed_by_hand(terminal, tmp_path):
    receipt, content = issued(terminal, tmp_path, "apr_1")
    said = read_receipt(receipt.read_text())
    kept = json.loads(content.read_text())
    kept = {name: base64.b64decode(value) for name, value in kept.items()}

    header = header_in(said.entry)

    assert entry(header, kept["salt"], kept["state"]) == said.entry
    assert (header.position, header.type) == (said.index + 1, "ApprovalGiven")


def test_no_byte_of_a_receipt_can_be_changed(sqlite_url, tmp_path):
    terminal = a_history(sqlite_url)
    seal(sqlite_url)
    receipt, _ = issued(terminal, tmp_path, "apr_1")
    whole = receipt.read_bytes()

    for place in range(0, len(whole), 7):
        receipt.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert verify(terminal, receipt) == 1, place
        assert terminal.lines[0].startswith("not ok: ")


def test_the_content_of_another_event_is_not_that_of_this_one(terminal, tmp_path):
    receipt, _ = issued(terminal, tmp_path, "apr_1")
    other = tmp_path / "other"
    other.mkdir()
    _, content = issued(terminal, other, "call_1")

    assert verify(terminal, receipt, "--content", str(content)) == 1
    assert "is not the content of this event" in terminal.lines[0]


def test_a_receipt_that_cannot_be_read_is_not_said_to_be_wrong(terminal, tmp_path):
    receipt, _ = issued(terminal, tmp_path, "apr_1")

    with pytest.raises(NotUnderstood, match="cannot be read"):
        verify(terminal, tmp_path / "none")
    with pytest.raises(NotUnderstood, match="cannot be read"):
        verify(terminal, receipt, "--content", str(tmp_path / "none"))


def test_what_is_not_sealed_has_no_receipt_yet(ledger_url, tmp_path):
    terminal = a_history(ledger_url)

    with pytest.raises(Refused, match="not sealed yet"):
        issued(terminal, tmp_path, "apr_1")


def test_an_event_that_was_changed_has_no_receipt(terminal, ledger_url, tmp_path):
    tamper(ledger_url, "UPDATE ledger_event SET actor = 'person:eve' WHERE type = 'ApprovalGiven'")

    with pytest.raises(Refused, match="audit verify"):
        issued(terminal, tmp_path, "apr_1")


TEXT = st.text(max_size=300)
NUMBER = st.integers(0, 2**63 - 1)


@given(
    st.builds(
        Header,
        *(NUMBER, TEXT, NUMBER, TEXT, NUMBER, TEXT),
        st.none() | st.text(min_size=1, max_size=40),
        *(st.none() | NUMBER, TEXT, TEXT),
    )
)
def test_an_entry_is_read_back_as_it_was_written(header):
    assert header_in(entry(header, b"salt", b"state")) == header


@given(st.binary(max_size=400))
def test_other_bytes_are_no_entry(data):
    with pytest.raises(NotAnEntry):
        header_in(b"\x01" + data[:100])
    try:
        header_in(data)
    except NotAnEntry:
        assert leaf_hash(data)
