"""What a command comes to is told by its exit code."""

import subprocess
import sys
from pathlib import Path

import pytest
from gateway_stage import POLICY, configuration_text

from placet_commandline import run
from policies.refusals import NotUnderstood, Refused


def refusing(refused):
    """Return what adds a command `fail` that is refused."""

    def register(add, _shell):
        def fail(_arguments):
            raise refused

        add("fail", help="fails", description="Fails.").set_defaults(run=fail)

    return register


@pytest.mark.parametrize(
    ("refused", "code"),
    [(Refused("the history differs"), 1), (NotUnderstood("`x` is no time"), 2)],
)
def test_what_is_not_understood_is_told_apart_from_a_no(capsys, refused, code):
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


def in_shell(folder, words):
    """Run `placet` with these words as a shell reads them."""
    root = Path(__file__).resolve().parent.parent
    return subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", f"{sys.executable} -m placet_entry {words}"],
        cwd=folder,
        env={"PYTHONPATH": str(root), "USER": "ops"},
        capture_output=True,
        text=True,
        check=False,
    )
