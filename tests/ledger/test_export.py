"""The history for other programs: what a line holds, and which lines there are."""

import json

import pytest
from open_ledgers import open_ledger
from shelled import Terminal, a_history
from tampering import tamper

from policies.values.refusals import Refused


@pytest.fixture
def terminal(sqlite_url) -> Terminal:
    return a_history(sqlite_url)


@pytest.fixture
def exported(capfd):
    """Run an export on a terminal's ledger and return its lines on standard output."""

    def run(terminal: Terminal, *arguments: str) -> list[str]:
        capfd.readouterr()
        assert terminal.run("audit", "export", *arguments) == 0
        said = capfd.readouterr()
        assert said.err == ""
        return said.out.splitlines()

    return run


def positions(lines: list[str]) -> list[int]:
    return [json.loads(line)["position"] for line in lines]


def test_json_lines_are_those_of_the_log(ledger_url, exported) -> None:
    terminal = a_history(ledger_url)
    terminal.run("audit", "log", "--json")
    logged = terminal.lines.copy()

    lines = exported(terminal, "--format", "jsonl")

    assert lines == logged
    assert positions(lines) == list(range(1, 16))


def test_an_export_is_filtered_as_the_log_is(terminal, exported) -> None:
    choice = ("--decision", "require_approval", "--agent", "ci-bot", "--server", "files")
    terminal.run("audit", "log", "--json", *choice)
    logged = terminal.lines.copy()
    moments = [json.loads(line)["at"] for line in logged]

    assert exported(terminal, "--format", "jsonl", *choice) == logged
    between = ("--since", moments[2], "--until", moments[5])
    found = exported(terminal, "--format", "jsonl", *choice, *between)
    assert [line for line, at in zip(logged, moments, strict=True) if at in moments[2:6]] == found


def test_an_export_of_an_empty_ledger_is_empty(ledger_url, exported) -> None:
    open_ledger(ledger_url).close()
    assert exported(Terminal(ledger_url), "--format", "jsonl") == []


def test_to_follow_and_to_end_at_a_time_is_refused(terminal) -> None:
    with pytest.raises(Refused, match="leave one of them out"):
        terminal.run("audit", "export", "--follow", "--until", "now")


def test_a_missing_event_is_refused_by_its_position(ledger_url, capfd) -> None:
    terminal = a_history(ledger_url)
    tamper(ledger_url, "DELETE FROM ledger_event WHERE position = 7")

    with pytest.raises(Refused, match="the event at position 7 is missing in the ledger"):
        terminal.run("audit", "export")

    assert capfd.readouterr().out == ""


def test_an_event_that_cannot_be_read_is_refused(terminal, capfd) -> None:
    tamper(terminal.url, "UPDATE ledger_event SET state = '{}' WHERE position = 7")

    with pytest.raises(Refused, match="`placet audit replay` names what is wrong"):
        terminal.run("audit", "export")

    assert capfd.readouterr().out == ""
