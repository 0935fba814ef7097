"""The ready policies do what their tests say, and are printed to be kept and included."""

import pytest

import placet
from gateway.files.policy_files import read_policy
from gateway.policy_commands.library_commands import LIBRARY

NAMES = ["filesystem", "github", "slack", "stripe"]


def test_every_ready_policy_passes_its_tests_which_try_every_rule(capsys):
    code = placet.main(["test", str(LIBRARY), "--require-coverage"])

    assert code == 0, capsys.readouterr().out


def test_there_is_one_for_each_of_four_servers(capsys):
    placet.main(["library"])

    assert capsys.readouterr().out.splitlines() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_what_is_printed_is_what_is_tested(name, capsys):
    placet.main(["library", name])
    policy = capsys.readouterr().out
    placet.main(["library", name, "--tests"])
    tests = capsys.readouterr().out

    assert policy == (LIBRARY / f"{name}.yaml").read_text()
    assert tests == (LIBRARY / f"{name}.test.yaml").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_each_is_in_the_form_of_placet_fmt_and_lint_finds_nothing(name, capsys):
    file = str(LIBRARY / f"{name}.yaml")

    codes = (placet.main(["fmt", "--check", file]), placet.main(["lint", "--policy", file]))

    assert codes == (0, 0), capsys.readouterr()


@pytest.mark.parametrize("name", NAMES)
def test_each_can_be_included_for_a_server(name, tmp_path):
    (tmp_path / f"{name}.yaml").write_text((LIBRARY / f"{name}.yaml").read_text())
    (tmp_path / "policy.yaml").write_text(
        f"version: 1\ndefault: deny\ninclude: {{mine: {name}.yaml}}\n"
    )

    policy = read_policy(tmp_path / "policy.yaml")

    assert all(rule.name.startswith("mine/") for rule in policy.rules)
    assert len(policy.rules) >= 7


def test_one_that_is_not_there_is_said_with_those_that_are(capsys):
    code = placet.main(["library", "jira"])

    assert code == 1
    assert "there are: filesystem, github, slack, stripe" in capsys.readouterr().err
