"""What a command comes to is told by its exit code."""

import asyncio
import importlib
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import forked
import pytest
from gateway_stage import POLICY, configuration_text
from open_ledgers import real_now

import placet_entry
from ledger.keys import KeyUnusable
from ledger.ledger import Ledger
from ledger.proofs.signed_notes import SigningKey
from ledger.unavailable import Altered, LedgerUnavailable
from ledger.words.reaching import Interrupted
from placet_commandline import run
from policies.values.refusals import NotUnderstood, Refused

ROOT = Path(__file__).resolve().parent.parent


def refusing(refused):
    """Return what adds a command `fail` that is refused."""

    def register(add, _shell):
        def fail(_arguments):
            raise refused

        add("fail", help="fails", description="Fails.").set_defaults(run=fail)

    return register


@pytest.mark.parametrize(
    ("refused", "code"),
    [
        (Refused("the history differs"), 1),
        (NotUnderstood("`x` is no time"), 2),
        (LedgerUnavailable("the ledger cannot be read: its database does not answer"), 2),
        (Altered("the ledger's head was changed"), 1),
        (KeyUnusable("others can read `placet.db.key`"), 2),
    ],
)
def test_what_says_nothing_of_the_answer_is_told_apart_from_a_no(capsys, refused, code):
    assert run(["fail"], [refusing(refused)]) == code

    assert capsys.readouterr().err == f"placet: {refused}\n"


@pytest.mark.parametrize(
    ("stdout", "why"),
    [
        (">/dev/full", "the output cannot be written (No space left on device)"),
        (">&-", "the output is closed, so nothing can be said"),
        ("| :", "whoever read the output is gone"),
    ],
)
@pytest.mark.parametrize("command", ["add", "rotate"])
def test_a_key_that_cannot_be_shown_is_said_to_be_lost(begun, command, stdout, why):
    agent, more = "ci-new", ""
    if command == "add":
        agent, more = f"ci-{uuid.uuid4().hex[:8]}", "--team platform --owner alice"

    ran = in_shell(begun, f"agent {command} {agent} {more} {stdout}")

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith(f"placet: {why}; agent {agent} is in the ledger")
    assert f"run `placet agent rotate {agent}`" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert agent in agents_of(begun)


def test_an_output_that_cannot_be_written_is_told_apart_from_a_no(begun):
    ran = in_shell(begun, "agent list >/dev/full")

    assert ran.returncode == 2
    assert ran.stderr == "placet: the output cannot be written (No space left on device)\n"


def test_an_answer_that_nobody_reads_to_its_end_is_told_apart_from_a_no(begun):
    ran = in_shell(begun, "audit log | :")

    assert (ran.returncode, ran.stderr) == (2, "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("explain files/x --agent ci-bot --arguments @none.json", "there is no file `none.json`"),
        ("explain files/x --agent ci-bot --arguments '{x}'", "are not a JSON object"),
        ("audit export --format csv --ocsf-version 1.8.0", "`--ocsf-version` is for"),
        ("audit export --tiles log --output x", "leave `--output` out"),
        ("audit export --output none/x", "`none/x` cannot be written"),
        ("audit export --cursor none/x", "`none/x` cannot be used"),
        ("audit diff now 0", ": swap"),
        ("audit redact 1 --because x --json", "give `--yes`"),
        ("freeze agent", "write `agent NAME`"),
        ("unfreeze agents ci-bot", "is not `agent` or `server`"),
        ("schema --write none", "cannot be written"),
    ],
)
def test_what_was_not_looked_at_is_told_apart_from_a_no(begun, words, said):
    ran = in_shell(begun, words)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert said in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


@pytest.mark.parametrize("form", ["jsonl", "ocsf", "csv"])
@pytest.mark.parametrize(
    ("stdout", "why"),
    [
        (">&-", "the output is closed, so nothing can be said"),
        (">/dev/full", "standard output cannot be written: No space left on device"),
    ],
)
def test_an_export_that_cannot_be_written_is_told_apart_from_a_no(begun, form, stdout, why):
    ran = in_shell(begun, f"audit export --format {form} {stdout}")

    expected = (0, "") if (form, stdout) == ("ocsf", ">/dev/full") else (2, f"placet: {why}\n")
    assert (ran.returncode, ran.stderr) == expected  # of agents OCSF is told nothing


@pytest.mark.parametrize(
    ("interrupt", "said"),
    [
        (KeyboardInterrupt(), ""),
        (Interrupted("nothing was changed"), "placet: nothing was changed\n"),
    ],
)
def test_an_interrupt_ends_a_command_without_a_traceback(capsys, interrupt, said):
    assert run(["fail"], [refusing(interrupt)]) == 130

    assert capsys.readouterr().err == said


def test_an_interrupt_ends_a_command_that_still_loads(monkeypatch, capsys):
    def interrupted(_module):
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib, "import_module", interrupted)
    monkeypatch.setattr(sys, "argv", ["placet", "audit", "log"])

    assert placet_entry.main() == 130
    assert capsys.readouterr().err == ""


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """Give a folder with a configuration and a ledger, to which may be added."""
    folder = tmp_path_factory.mktemp("begun")
    (folder / "placet.yaml").write_text(configuration_text("http://127.0.0.1:9/mcp", "1s"))
    (folder / "policy.yaml").write_text(POLICY)
    assert in_shell(folder, "agent add ci-new --team platform --owner alice").returncode == 0
    return folder


@pytest.fixture
def configured(begun, tmp_path):
    """Give a copy of such a folder."""
    return shutil.copytree(begun, tmp_path / "copy")


def agents_of(folder):
    with Ledger.read(f"sqlite:///{folder}/placet.db", now=real_now) as ledger:
        return {agent.id for agent in asyncio.run(ledger.agents())}


def test_a_history_that_cannot_be_looked_at_is_not_said_to_be_changed(configured):
    (configured / "placet.db.key").write_text("0123456789abcdef" * 4)
    (configured / "placet.db.key").chmod(0o644)

    loose = in_shell(configured, "audit verify")
    (configured / "placet.db.key").chmod(0o600)
    (configured / "placet.db").unlink()
    missing = in_shell(configured, "audit verify")

    assert (loose.returncode, missing.returncode) == (2, 2)
    assert "run `chmod 600" in loose.stderr
    assert "there is no ledger" in missing.stderr


def test_who_has_a_public_key_needs_no_secret_that_can_be_used(configured):
    public = SigningKey.from_seed("placet/x", bytes(32)).verifier
    (configured / "placet.db.key").touch(0o644)

    ran = in_shell(configured, f"audit verify --key {public}")

    assert ran.returncode == 1
    assert "no checkpoint vouches for any event" in ran.stdout


def test_who_has_the_public_key_checks_a_receipt_without_a_configuration(tmp_path):
    key = SigningKey.from_seed("placet/x", bytes(32)).verifier
    (tmp_path / "it.tlog-proof").write_text("not a receipt")

    without = in_shell(tmp_path, "audit receipt --verify it.tlog-proof")
    ran = in_shell(tmp_path, f"audit receipt --verify it.tlog-proof --key {key}")

    assert (without.returncode, ran.returncode) == (2, 1)
    assert "give it with `--key`" in without.stderr
    assert ran.stdout.startswith("not ok: ")


def in_shell(folder, words):
    """Run `placet` with these words as a shell reads them."""
    (folder / "bin").mkdir(exist_ok=True)
    placet = forked.program(folder / "bin") / "placet"
    return subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", f"{placet} {words}"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "USER": "ops"},
        capture_output=True,
        text=True,
        check=False,
    )
