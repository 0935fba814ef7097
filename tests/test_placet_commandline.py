"""What a command comes to is told by its exit code."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from gateway_stage import POLICY, configuration_text

import placet_entry
from ledger.keys import KeyUnusable
from ledger.reaching import Interrupted
from ledger.signed_notes import SigningKey
from ledger.unavailable import Altered, LedgerUnavailable
from placet_commandline import run
from policies.refusals import NotUnderstood, Refused

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
@pytest.mark.parametrize("command", ["add ci-new --team platform --owner alice", "rotate ci-new"])
def test_a_key_that_cannot_be_shown_is_said_to_be_lost(tmp_path, command, stdout, why):
    (tmp_path / "placet.yaml").write_text(configuration_text("http://127.0.0.1:9/mcp", "1s"))
    (tmp_path / "policy.yaml").write_text(POLICY)
    if command.startswith("rotate"):
        assert in_shell(tmp_path, "agent add ci-new --team platform --owner alice").returncode == 0

    ran = in_shell(tmp_path, f"agent {command} {stdout}")
    listed = in_shell(tmp_path, "agent list")

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith(f"placet: {why}; agent ci-new is in the ledger")
    assert "run `placet agent rotate ci-new`" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert "ci-new" in listed.stdout


def test_an_output_that_cannot_be_written_is_told_apart_from_a_no(tmp_path):
    (tmp_path / "placet.yaml").write_text(configuration_text("http://127.0.0.1:9/mcp", "1s"))
    (tmp_path / "policy.yaml").write_text(POLICY)

    assert in_shell(tmp_path, "agent add ci-new --team platform --owner alice").returncode == 0

    ran = in_shell(tmp_path, "agent list >/dev/full")

    assert ran.returncode == 2
    assert ran.stderr == "placet: the output cannot be written (No space left on device)\n"


@pytest.mark.parametrize("form", ["jsonl", "ocsf", "csv"])
@pytest.mark.parametrize(
    ("stdout", "why"),
    [
        (">&-", "the output is closed, so nothing can be said"),
        (">/dev/full", "standard output cannot be written: No space left on device"),
    ],
)
def test_an_export_that_cannot_be_written_is_told_apart_from_a_no(configured, form, stdout, why):
    recorded = in_shell(configured, "freeze everything --because 'a look at it'")

    ran = in_shell(configured, f"audit export --format {form} {stdout}")

    expected = (0, "") if (form, stdout) == ("ocsf", ">/dev/full") else (2, f"placet: {why}\n")
    assert recorded.returncode == 0
    assert (ran.returncode, ran.stderr) == expected  # of a freeze OCSF is told nothing


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


@pytest.fixture
def configured(tmp_path):
    """Give a folder with a configuration and a ledger, in which an agent was added."""
    (tmp_path / "placet.yaml").write_text(configuration_text("http://127.0.0.1:9/mcp", "1s"))
    (tmp_path / "policy.yaml").write_text(POLICY)
    assert in_shell(tmp_path, "agent add ci-new --team platform --owner alice").returncode == 0
    return tmp_path


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


def in_shell(folder, words):
    """Run `placet` with these words as a shell reads them."""
    return subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", f"{sys.executable} -m placet_entry {words}"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "USER": "ops"},
        capture_output=True,
        text=True,
        check=False,
    )
