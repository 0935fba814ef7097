"""Whatever is changed in a sealed history is found, and named by its position."""

import asyncio
from base64 import b64decode

import pytest
from acme import ask
from open_ledgers import open_ledger
from shelled import SIGNER, Terminal, a_history
from sqlalchemy import create_engine, select, text
from tampering import seal, tamper

from ledger.audit.checkpoints import notes_in
from ledger.proofs.signed_notes import Checkpoint, sign
from ledger.proofs.signing import Signer
from ledger.replaying.walking import computed_leaf
from ledger.storage.tables import EVENT
from ledger.unavailable import LedgerUnavailable
from policies.values.refusals import NotUnderstood, Refused

COLUMNS = {
    "stream": "'call-call_9'",
    "version": "version + 100",
    "type": "'CallDecided2'",
    "state": "{other_state}",
    "salt": "{other_bytes}",
    "at": "at + 1",
    "actor": "'person:eve'",
    "command_id": "'another'",
    "command_ordinal": "command_ordinal + 100",
    "correlation_id": "'another'",
    "causation_id": "'another'",
    "leaf_hash": "{other_bytes}",
    "code": "{other_bytes}",
}
EVENTS = 15
SAME = "type, state, salt, at, actor, correlation_id, causation_id, leaf_hash"
ANOTHER_EVENT = f"""
INSERT INTO ledger_event (position, stream, version, {SAME})
SELECT {{position}}, 'call-x', 1, {SAME} FROM ledger_event WHERE position = 7
"""


def sealed_history(url) -> Terminal:
    """Return a terminal on a small history, all of it sealed."""
    terminal = a_history(url)
    seal(url)
    return terminal


def verdict(terminal, *options):
    code = terminal.run("audit", "verify", "--json", *options)
    found = terminal.json()
    assert code == (0 if found["ok"] else 1)
    return found


def test_an_untouched_history_is_proven(ledger_url):
    terminal = sealed_history(ledger_url)

    code = terminal.run("audit", "verify")

    assert code == 0
    assert terminal.lines[0].startswith("15 events read, root ")
    assert terminal.lines[1:] == [
        "1 checkpoint of the ledger and 0 checkpoints kept elsewhere vouch for them",
        "ok: no event was changed, removed or moved",
    ]


@pytest.mark.parametrize("column", COLUMNS)
def test_a_change_of_any_column_is_named_by_its_position(ledger_url, column):
    terminal = sealed_history(ledger_url)
    binary = "'\\x00ff'::bytea" if ledger_url.startswith("postgres") else "x'00ff'"
    changed = COLUMNS[column].format(other_state=binary, other_bytes=binary)

    tamper(ledger_url, f"UPDATE ledger_event SET {column} = {changed} WHERE position = 7")

    found = verdict(terminal)
    assert (found["ok"], found["first_wrong_position"]) == (False, 7)


def test_one_byte_of_a_state_is_enough(ledger_url):
    terminal = sealed_history(ledger_url)
    postgres = ledger_url.startswith("postgres")
    changed = (
        "set_byte(state, 20, get_byte(state, 20) # 1)"
        if postgres
        else "CAST(replace(CAST(state AS TEXT), 'call_1', 'call_2') AS BLOB)"
    )

    tamper(ledger_url, f"UPDATE ledger_event SET state = {changed} WHERE position = 4")

    assert verdict(terminal)["first_wrong_position"] == 4


def test_zeros_behind_a_salt_are_found_though_no_hash_is_another_for_them(ledger_url):
    terminal = sealed_history(ledger_url)
    postgres = ledger_url.startswith("postgres")
    longer = "salt || '\\x00'::bytea" if postgres else "CAST(salt || x'00' AS BLOB)"

    tamper(ledger_url, f"UPDATE ledger_event SET salt = {longer} WHERE position = 7")

    assert verdict(terminal)["first_wrong_position"] == 7


@pytest.mark.parametrize("position", [-5, 0, 16])
def test_an_event_that_was_put_before_or_behind_the_others_is_found(ledger_url, position):
    terminal = sealed_history(ledger_url)

    tamper(ledger_url, ANOTHER_EVENT.format(position=position))

    assert verdict(terminal)["first_wrong_position"] == position


@pytest.mark.parametrize(
    ("statement", "position"),
    [
        ("UPDATE ledger_head SET at = at + 1", 16),
        ("UPDATE ledger_checkpoint SET at = at + 1", 15),
        ("UPDATE ledger_checkpoint SET size = 14", 14),
        ("INSERT INTO ledger_checkpoint SELECT 0, at, frontier, note FROM ledger_checkpoint", 0),
        ("INSERT INTO ledger_subtree VALUES (1, 0, {hash})", 16),
        ("INSERT INTO ledger_subtree VALUES (1000000000, -1, {hash})", 16),
    ],
)
def test_what_was_changed_beside_the_events_is_found(ledger_url, statement, position):
    terminal = sealed_history(ledger_url)
    binary = "'\\x00ff'::bytea" if ledger_url.startswith("postgres") else "x'00ff'"

    tamper(ledger_url, statement.format(hash=binary))

    assert verdict(terminal)["first_wrong_position"] == position


@pytest.mark.parametrize("position", ["'abc'", "15.5", "NULL"])
def test_a_head_that_is_no_position_is_told_in_plain_words(sqlite_url, position):
    terminal = sealed_history(sqlite_url)
    tamper(sqlite_url, "DROP TABLE ledger_head")
    tamper(sqlite_url, "CREATE TABLE ledger_head (id, position, at)")
    tamper(sqlite_url, f"INSERT INTO ledger_head VALUES (1, {position}, 0)")

    with pytest.raises(LedgerUnavailable, match="no position any more"):
        terminal.run("audit", "verify")


@pytest.mark.parametrize("column", ["actor", "stream", "type", "command_id", "correlation_id"])
def test_a_byte_that_makes_a_text_no_text_is_named_by_its_position(sqlite_url, column):
    terminal = sealed_history(sqlite_url)

    tamper(
        sqlite_url,
        f"UPDATE ledger_event SET {column} = CAST(x'ff' || {column} AS TEXT) WHERE position = 7",
    )

    assert verdict(terminal)["first_wrong_position"] == 7


@pytest.mark.parametrize("column", ["state", "salt", "leaf_hash", "code"])
def test_a_number_in_place_of_bytes_takes_no_memory(sqlite_url, column):
    terminal = sealed_history(sqlite_url)

    tamper(sqlite_url, f"UPDATE ledger_event SET {column} = {10**15} WHERE position = 7")

    assert verdict(terminal)["first_wrong_position"] == 7


def long_history(url) -> Terminal:
    """Return a terminal on a sealed history of two full blocks and some more events."""

    async def decide():
        with open_ledger(url) as ledger:
            await asyncio.gather(
                *(
                    ledger.execute(ask(f"call_{number}", digests=(f"k1:{number:064x}",)))
                    for number in range(100, 360)
                )
            )

    terminal = a_history(url)
    asyncio.run(decide())
    seal(url)
    return terminal


@pytest.mark.parametrize(
    ("statement", "position"),
    [
        ("UPDATE ledger_subtree SET hash = {hash} WHERE number = 1", 257),
        ("DELETE FROM ledger_subtree WHERE number = 0", 1),
        ("UPDATE ledger_subtree SET number = 7 WHERE number = 1", 257),
        ("UPDATE ledger_event SET actor = 'x' WHERE position = 300", 300),
    ],
)
def test_what_proofs_are_made_from_is_compared_with_the_events(ledger_url, statement, position):
    terminal = long_history(ledger_url)
    assert verdict(terminal)["ok"]
    binary = "'\\x00ff'::bytea" if ledger_url.startswith("postgres") else "x'00ff'"

    tamper(ledger_url, statement.format(hash=binary))

    assert verdict(terminal)["first_wrong_position"] == position


def test_a_removed_event_is_missed_where_it_was(ledger_url):
    terminal = sealed_history(ledger_url)

    tamper(ledger_url, "DELETE FROM ledger_event WHERE position = 6")

    terminal.run("audit", "verify")
    assert any("1 position before it is missing" in line for line in terminal.lines)
    assert verdict(terminal)["first_wrong_position"] <= 7


def test_two_events_that_were_swapped_are_found(ledger_url):
    terminal = sealed_history(ledger_url)

    tamper(ledger_url, "UPDATE ledger_event SET position = 99 WHERE position = 5")
    tamper(ledger_url, "UPDATE ledger_event SET position = 5 WHERE position = 6")
    tamper(ledger_url, "UPDATE ledger_event SET position = 6 WHERE position = 99")

    assert verdict(terminal)["first_wrong_position"] == 5


def test_an_event_that_was_rewritten_with_its_hash_is_found_by_the_checkpoint(ledger_url):
    terminal = sealed_history(ledger_url)
    tamper(ledger_url, "UPDATE ledger_event SET actor = 'person:eve' WHERE position = 9")
    rehash(ledger_url, 9)

    found = verdict(terminal)

    assert (found["ok"], found["sealed"]) == (False, 0)
    assert "vouches for other events than these" in found["flaws"][0]["what"]


def rehash(url, position):
    """Compute the leaf hash of a changed event anew, as a careful forger would."""
    engine = create_engine(url)
    with engine.connect() as connection:
        row = connection.execute(select(EVENT).where(EVENT.c.position == position)).mappings().one()
        leaf = computed_leaf(row)
    with engine.begin() as connection:
        connection.execute(
            EVENT.update().where(EVENT.c.position == position).values(leaf_hash=leaf)
        )
    engine.dispose()


def cut(url, last):
    """Take the end of the history away, and all that the ledger knows of it."""
    tamper(url, f"DELETE FROM ledger_event WHERE position > {last}")
    tamper(url, f"DELETE FROM ledger_checkpoint WHERE size > {last}")
    tamper(url, f"UPDATE ledger_head SET position = {last}")


def test_a_cut_tail_is_found_by_a_checkpoint_kept_elsewhere(ledger_url, tmp_path):
    terminal = sealed_history(ledger_url)
    terminal.run("audit", "checkpoint")
    kept = tmp_path / "checkpoints"
    kept.write_text("\n".join([*terminal.lines, ""]))
    cut(ledger_url, 12)

    found = verdict(terminal, "--checkpoint", str(kept))

    assert (found["ok"], found["first_wrong_position"]) == (False, 13)
    assert "vouches for 15 events: what comes here is missing" in found["flaws"][-1]["what"]


def test_a_cut_tail_is_found_by_the_ledgers_own_checkpoint_too(ledger_url):
    terminal = sealed_history(ledger_url)
    tamper(ledger_url, "DELETE FROM ledger_event WHERE position > 12")
    tamper(ledger_url, "UPDATE ledger_head SET position = 12")

    found = verdict(terminal)

    assert (found["ok"], found["first_wrong_position"]) == (False, 13)


def test_a_history_without_a_checkpoint_is_not_proven(ledger_url):
    terminal = sealed_history(ledger_url)
    tamper(ledger_url, "DELETE FROM ledger_checkpoint")

    found = verdict(terminal)

    assert [flaw["what"] for flaw in found["flaws"]] == ["no checkpoint vouches for any event"]


@pytest.mark.parametrize(
    "forged",
    [
        lambda note: note.replace("\n15\n", "\n14\n"),
        lambda note: sign(
            Checkpoint(note.partition("\n")[0], 15, b"\1" * 32),
            Signer([b"e" * 32]).key(note.partition("\n")[0]),
        ),
        lambda note: sign(
            Checkpoint(note.partition("\n")[0], 15, b"\1" * 32),
            SIGNER.key(note.partition("\n")[0]),
        ),
        lambda note: note[:-10] + ("B" if note[-10] == "A" else "A") + note[-9:],
        lambda _: "nothing",
    ],
    ids=["another size", "another key", "another root", "another signature", "no note"],
)
def test_a_forged_checkpoint_is_found(ledger_url, forged):
    terminal = sealed_history(ledger_url)
    terminal.run("audit", "checkpoint")
    note = "\n".join([*terminal.lines, ""])
    engine = create_engine(ledger_url)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE ledger_checkpoint SET note = :note"), {"note": forged(note)}
        )
    engine.dispose()

    assert not verdict(terminal)["ok"]


def test_a_checkpoint_of_somebody_else_does_not_count(sqlite_url, tmp_path):
    terminal = sealed_history(sqlite_url)
    kept = tmp_path / "checkpoints"
    other = Checkpoint("placet/other", 3, b"\1" * 32)
    kept.write_text(sign(other, Signer([b"e" * 32]).key("placet/other")))

    with pytest.raises(Refused, match="checkpoint 1 of checkpoints does not count"):
        terminal.run("audit", "verify", "--checkpoint", str(kept))


@pytest.mark.parametrize("option", ["--checkpoint", "--since"])
def test_a_file_that_is_not_there_is_no_verdict_on_the_history(sqlite_url, tmp_path, option):
    terminal = sealed_history(sqlite_url)

    with pytest.raises(NotUnderstood, match="cannot be read"):
        terminal.run("audit", "verify", option, str(tmp_path / "none"))
    with pytest.raises(NotUnderstood, match="holds no checkpoint"):
        terminal.run("audit", "verify", option, "/dev/null")


def test_of_a_file_that_is_too_long_nothing_is_passed_over(sqlite_url, tmp_path):
    terminal = sealed_history(sqlite_url)
    terminal.run("audit", "checkpoint")
    kept = tmp_path / "checkpoints"
    kept.write_text("\n" * 64_000_000 + "\n".join([*terminal.lines, ""]))

    with pytest.raises(Refused, match="give the end of it"):
        terminal.run("audit", "verify", "--checkpoint", str(kept))


def test_the_public_key_is_all_that_an_auditor_needs(sqlite_url):
    terminal = sealed_history(sqlite_url)
    terminal.run("audit", "key")
    (key,) = terminal.lines
    terminal.signer = None

    assert verdict(terminal, "--key", key)["ok"]
    with pytest.raises(Refused, match="give the public key"):
        terminal.run("audit", "verify")


def test_the_notes_of_a_file_are_told_apart():
    key = SIGNER.key("placet/one")
    notes = [sign(Checkpoint("placet/one", size, bytes(32)), key) for size in (1, 2, 3)]

    assert notes_in("".join(notes)) == notes
    assert notes_in("\n\n".join(notes) + "\n") == notes
    assert notes_in("") == []


@pytest.fixture
def kept(tmp_path):
    """Return what keeps the newest checkpoint of a terminal's ledger elsewhere."""

    def keep(terminal):
        terminal.run("audit", "checkpoint")
        file = tmp_path / "checkpoints"
        file.write_text("\n".join([*terminal.lines, ""]))
        return str(file)

    return keep


async def go_on(url):
    with open_ledger(url) as ledger:
        for number in range(20, 25):
            await ledger.execute(ask(f"call_{number}", digests=(f"k1:{number:064x}",)))


async def test_what_came_since_is_proven_behind_a_checkpoint_kept_elsewhere(ledger_url, kept):
    terminal = await asyncio.to_thread(sealed_history, ledger_url)
    since = await asyncio.to_thread(kept, terminal)
    await go_on(ledger_url)
    seal(ledger_url)

    found = await asyncio.to_thread(verdict, terminal, "--since", since)

    assert (found["ok"], found["after"], found["events"]) == (True, EVENTS, 10)
    assert (found["checkpoints"], found["checkpoints_kept_elsewhere"]) == (1, 1)


async def test_what_was_not_read_is_not_called_unchanged(sqlite_url, kept):
    terminal = await asyncio.to_thread(sealed_history, sqlite_url)
    since = await asyncio.to_thread(kept, terminal)
    await go_on(sqlite_url)

    await asyncio.to_thread(terminal.run, "audit", "verify", "--since", since)

    assert terminal.lines[-1] == (
        f"ok: no event behind position {EVENTS} was changed, removed or moved;"
        " those before were not read"
    )


@pytest.mark.parametrize("position", [3, 15, 16, 22])
async def test_a_change_before_or_behind_that_checkpoint_is_found(sqlite_url, kept, position):
    terminal = await asyncio.to_thread(sealed_history, sqlite_url)
    since = await asyncio.to_thread(kept, terminal)
    await go_on(sqlite_url)
    seal(sqlite_url)
    tamper(sqlite_url, f"UPDATE ledger_event SET actor = 'x' WHERE position = {position}")
    rehash(sqlite_url, position)

    found = await asyncio.to_thread(verdict, terminal, "--since", since)

    assert not found["ok"]
    assert found["first_wrong_position"] in {1, 16}


@pytest.mark.parametrize("option", ["--checkpoint", "--since"])
def test_a_checkpoint_of_another_log_under_the_same_key_vouches_for_nothing(
    sqlite_url, kept, tmp_path, option
):
    terminal = sealed_history(sqlite_url)
    kept(terminal)
    (note,) = notes_in((tmp_path / "checkpoints").read_text())
    _, size, root = note.split("\n")[:3]
    key = SIGNER.key("placet/another")
    other = sign(Checkpoint(key.name, int(size), b64decode(root)), key)
    (tmp_path / "other").write_text(other)

    found = verdict(terminal, option, str(tmp_path / "other"))

    assert (found["first_wrong_position"], found["checkpoints_kept_elsewhere"]) == (EVENTS, 0)
    assert "is of the log placet/another" in found["flaws"][0]["what"]


def test_a_history_that_ends_before_that_checkpoint_lacks_its_end(ledger_url, kept):
    terminal = sealed_history(ledger_url)
    since = kept(terminal)
    cut(ledger_url, 11)

    assert verdict(terminal, "--since", since)["first_wrong_position"] == 12


@pytest.mark.parametrize("change", ["note = x'00ff'", "frontier = 'text'"])
def test_a_checkpoint_of_another_kind_is_found_too(sqlite_url, change):
    terminal = sealed_history(sqlite_url)
    tamper(sqlite_url, f"UPDATE ledger_checkpoint SET {change}")

    assert not verdict(terminal)["ok"]
