"""How far an export came: kept whole, by one export at a time, of one ledger."""

import json
import stat

import pytest
from open_ledgers import open_ledger
from shelled import Terminal, a_history
from sqlalchemy import create_engine
from tampering import tamper

from ledger.audit.cursors import Cursor, Mark, mark_at, verify
from policies.values.refusals import Refused

HASH = "ab" * 32


def export(terminal: Terminal, folder, *arguments: str) -> list[int]:
    """Run an export with a cursor and return the positions that are in its file."""
    output, cursor = str(folder / "out"), str(folder / "cursor")
    words = ("--format", "jsonl", "--output", output, "--cursor", cursor)
    assert terminal.run("audit", "export", *words, *arguments) == 0
    return [json.loads(line)["position"] for line in (folder / "out").read_text().splitlines()]


def test_an_export_goes_on_after_its_cursor(ledger_url, tmp_path) -> None:
    terminal = a_history(ledger_url)
    terminal.run("audit", "log", "--json")
    middle = json.loads(terminal.lines[7])["at"]

    first = export(terminal, tmp_path, "--until", middle)
    again = export(terminal, tmp_path, "--until", middle)
    rest = export(terminal, tmp_path)

    assert first == again == list(range(1, len(first) + 1))
    assert 8 <= len(first) < 15
    assert rest == list(range(1, 16))


def test_what_was_not_asked_for_moves_the_cursor_too(ledger_url, tmp_path) -> None:
    terminal = a_history(ledger_url)

    assert export(terminal, tmp_path, "--agent", "nobody") == []
    assert json.loads((tmp_path / "cursor").read_text())["position"] == 15


def test_since_says_only_where_an_export_without_a_cursor_begins(ledger_url, tmp_path) -> None:
    terminal = a_history(ledger_url)
    terminal.run("audit", "log", "--json")
    first, last = (json.loads(terminal.lines[which])["at"] for which in (2, 14))

    begun = export(terminal, tmp_path, "--since", first, "--until", first)
    rest = export(terminal, tmp_path, "--since", last)

    assert begun[0] == 3
    assert rest == list(range(3, 16))


def test_the_cursor_is_there_before_the_first_line(ledger_url, tmp_path) -> None:
    open_ledger(ledger_url).close()

    assert export(Terminal(ledger_url), tmp_path) == []
    assert json.loads((tmp_path / "cursor").read_text()) == {"position": 0, "leaf_hash": ""}


def test_the_cursor_stays_where_lines_could_not_be_written(ledger_url, tmp_path) -> None:
    terminal = a_history(ledger_url)
    words = ("--output", "/dev/full", "--cursor", str(tmp_path / "cursor"))

    with pytest.raises(Refused, match="`/dev/full` cannot be written: No space left on device"):
        terminal.run("audit", "export", *words)

    assert json.loads((tmp_path / "cursor").read_text())["position"] == 0


def test_an_output_in_another_format_or_the_ledger_itself_is_left_alone(sqlite_url, tmp_path):
    terminal = a_history(sqlite_url)
    export(terminal, tmp_path)
    before = (tmp_path / "out").read_bytes()
    words = ("audit", "export", "--cursor", str(tmp_path / "cursor"), "--output")

    for arguments in (["out", "--format", "csv"], ["out", "--format", "ocsf"], ["placet.db"]):
        with pytest.raises(Refused, match="is no export of this format"):
            terminal.run(*words, str(tmp_path / arguments[0]), *arguments[1:])

    assert (tmp_path / "out").read_bytes() == before
    assert terminal.run("audit", "replay") == 0


def test_a_cursor_of_another_ledger_is_refused(ledger_url, tmp_path) -> None:
    a_history(f"sqlite:///{tmp_path}/other.db")
    export(Terminal(f"sqlite:///{tmp_path}/other.db"), tmp_path)
    terminal = a_history(ledger_url)

    with pytest.raises(Refused, match="position 15 is not the one that was exported"):
        export(terminal, tmp_path)


def test_a_ledger_that_ends_before_the_cursor_is_refused(ledger_url, tmp_path) -> None:
    terminal = a_history(ledger_url)
    export(terminal, tmp_path)
    tamper(ledger_url, "DELETE FROM ledger_event WHERE position > 12")
    tamper(ledger_url, "UPDATE ledger_head SET position = 12")

    with pytest.raises(Refused, match="ends at position 12, and it was exported up to 15"):
        export(terminal, tmp_path)


def test_a_rewritten_event_under_the_cursor_is_refused(ledger_url, tmp_path) -> None:
    terminal = a_history(ledger_url)
    export(terminal, tmp_path)
    tamper(ledger_url, "UPDATE ledger_event SET leaf_hash = :other WHERE position = 15", other=b"x")

    with pytest.raises(Refused, match="its history was rewritten"):
        export(terminal, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "15",
        "{}",
        '{"position":1}',
        '{"position":-1,"leaf_hash":""}',
        '{"position":1.5,"leaf_hash":""}',
        '{"position":1,"leaf_hash":"","more":1}',
        '{"position":1000000000000000000,"leaf_hash":""}',
        "\udcff",
    ],
)
def test_what_is_no_cursor_is_refused_and_left_alone(tmp_path, text) -> None:
    path = tmp_path / "cursor"
    path.write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises(Refused, match="is no cursor of `placet audit export`"):
        Cursor(path)

    assert path.read_bytes() == text.encode(errors="surrogateescape")


def test_one_export_at_a_time_has_a_cursor(tmp_path) -> None:
    path = tmp_path / "cursor"

    with Cursor(path), pytest.raises(Refused, match="another export has the cursor"):
        Cursor(path)
    with Cursor(path) as cursor:
        assert cursor.mark is None


def test_a_cursor_is_private_and_survives(tmp_path) -> None:
    path = tmp_path / "cursor"
    mark = Mark(position=7, leaf_hash=HASH)

    with Cursor(path) as cursor:
        cursor.move(mark)
    with Cursor(path) as cursor:
        found = cursor.mark

    assert found == mark
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == ["cursor", "cursor.lock"]


def test_a_cursor_that_cannot_be_written_is_refused(tmp_path) -> None:
    with pytest.raises(Refused, match="cannot be used: No such file or directory"):
        Cursor(tmp_path / "none" / "cursor")
    with Cursor(tmp_path / "cursor") as cursor:
        (tmp_path / "cursor.new").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(Refused, match="cannot be used"):
            cursor.move(Mark(position=1, leaf_hash=HASH))
    assert not (tmp_path / "elsewhere").exists()


def test_a_position_that_is_not_there_is_no_mark_of_an_event(sqlite_url) -> None:
    a_history(sqlite_url)
    engine = create_engine(sqlite_url)

    with engine.connect() as connection:
        start = mark_at(connection, 0)
        verify(connection, start)

    engine.dispose()
    assert start == Mark(position=0, leaf_hash="")
