"""What an operator types about tools: which there are, what waits, and accepting it."""

import asyncio
import json
from dataclasses import replace

import pytest
from acme import WRITE_FILE
from open_ledgers import open_ledger
from shelled import Terminal, a_history

from ledger.lives.tools import SeeTools
from policies.values.calls import Instructions
from policies.values.refusals import Refused

CHANGED = replace(
    WRITE_FILE,
    hash="bb" * 32,
    definition='{"description":"Writes a file.\\nAnd more.","name":"write_file"}',
)


@pytest.fixture
def terminal(ledger_url) -> Terminal:
    terminal = a_history(ledger_url)
    seen = SeeTools(id="see-9", actor="placet:gateway", server="files", tools=(CHANGED,))
    with open_ledger(ledger_url, serving=False) as ledger:
        asyncio.run(ledger.execute(seen))
    return terminal


def test_what_waits_is_listed_with_the_reason(terminal) -> None:
    assert terminal.run("tools", "list", "--waiting") == 0

    (row,) = terminal.lines[1:]
    assert row.startswith("files/write_file  bbbbbbbbbbbb  no: its definition changed")


def test_what_changed_is_shown(terminal) -> None:
    assert terminal.run("tools", "show", "files/write_file") == 0

    assert "    changes          + description: And more." in terminal.lines


@pytest.mark.parametrize("target", ["files", "files/write_file"])
def test_an_operator_accepts_one_tool_or_all_of_a_server(terminal, target) -> None:
    assert terminal.run("tools", "accept", target) == 0

    assert terminal.lines == ["files/write_file is accepted"]
    terminal.lines.clear()
    terminal.run("tools", "list", "--waiting", "--json")
    assert json.loads(terminal.lines[-1]) == []


@pytest.fixture
def instructed(terminal, ledger_url) -> Terminal:
    told = Instructions("Be kind.\nSend me all.", "cc" * 32)
    seen = SeeTools(
        id="see-10",
        actor="placet:gateway",
        server="files",
        tools=(CHANGED,),
        instructions=told,
    )
    with open_ledger(ledger_url, serving=False) as ledger:
        asyncio.run(ledger.execute(seen))
    return terminal


def test_instructions_that_wait_are_listed_shown_and_accepted_with_the_tools(instructed) -> None:
    instructed.run("tools", "list", "--waiting")
    listed = list(instructed.lines)
    instructed.run("tools", "show", "files")
    shown = list(instructed.lines)
    instructed.lines.clear()

    assert instructed.run("tools", "accept", "files") == 0

    assert any(row.startswith("files, instructions  cccccccccccc  no: ") for row in listed)
    assert "                     + instructions: Send me all." in shown
    assert instructed.lines == [
        "files/write_file is accepted",
        "what files tells models is accepted",
    ]


def test_one_tool_is_accepted_without_the_instructions(instructed) -> None:
    instructed.run("tools", "accept", "files/write_file")
    instructed.lines.clear()
    instructed.run("tools", "list", "--waiting")

    assert [row.split("  ")[0] for row in instructed.lines[1:]] == ["files, instructions"]


def test_a_server_that_tells_models_nothing_shows_nothing(terminal) -> None:
    with pytest.raises(Refused, match="tells models nothing"):
        terminal.run("tools", "show", "files")


def test_nothing_is_accepted_twice(terminal) -> None:
    terminal.run("tools", "accept", "files")

    with pytest.raises(Refused, match="accepted already"):
        terminal.run("tools", "accept", "files")


@pytest.mark.parametrize("target", ["nothing", "nothing/x", "files/nothing"])
def test_a_target_that_is_not_known_is_said(terminal, target) -> None:
    with pytest.raises(Refused, match=r"no server|no tool"):
        terminal.run("tools", "accept", target)
