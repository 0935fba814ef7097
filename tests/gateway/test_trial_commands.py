"""`placet test` tries a policy on calls with expected decisions, without a ledger or a network."""

import json

import pytest

import placet

POLICY = """\
version: 1
rules:
  - {name: reads, match: {risk: read}, effect: allow}
  - {name: no-drops, match: {tool: "*drop*"}, effect: deny}
"""
TESTS = """\
version: 1
policy: policy.yaml
agents: {ci-bot: {team: platform}}
servers:
  files: {team: platform, tools: [read_file], tools_from: tools.json}
tests:
  - {call: files/read_file, expect: allow}
  - {name: dropping, call: files/drop_table, expect: {effect: deny, rules: no-drops}}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Give a folder with a policy, a list of tools and tests."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "tools.json").write_text('{"tools": [{"name": "drop_table"}]}')
    (tmp_path / "policy.test.yaml").write_text(TESTS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_tests_that_are_as_expected_exit_with_0_and_tell_how_many_rules_were_tried(folder, capsys):
    code = placet.main(["test", "policy.test.yaml", "--require-coverage"])

    assert code == 0
    assert capsys.readouterr().out.splitlines() == [
        "policy.yaml: 2 of 2 rules were tried",
        "2 tests: 2 as expected, 0 not",
    ]


def test_a_difference_is_told_with_its_line_and_the_rules_that_spoke(folder, capsys):
    text = POLICY.replace("effect: deny", "effect: require_approval")
    (folder / "candidate.yaml").write_text(text)

    code = placet.main(["test", "policy.test.yaml", "--policy", "candidate.yaml"])

    out = capsys.readouterr().out.splitlines()
    assert code == 1
    assert out[0] == (
        "policy.test.yaml:8: dropping: expected effect `deny`, and it is `require_approval`"
    )
    assert out[1] == "    /rules/1 no-drops: require_approval, it has no condition"


def test_a_rule_that_no_test_tries_is_told_and_counts_where_coverage_is_required(folder, capsys):
    (folder / "policy.yaml").write_text(
        POLICY + "  - {name: nights, when: now.getHours() < 6, effect: deny}\n"
    )

    code = placet.main(["test", "."])
    out = capsys.readouterr().out.splitlines()
    required = placet.main(["test", ".", "--require-coverage"])

    assert (code, required) == (0, 1)
    assert out[0] == "policy.yaml:5: no test is covered by rule `nights`"


def test_the_same_is_told_to_machines(folder, capsys):
    placet.main(["test", "policy.test.yaml", "--json"])

    told = json.loads(capsys.readouterr().out)
    assert told["different"] == 0
    assert [test["name"] for test in told["tests"]] == ["files/read_file on line 7", "dropping"]
    assert told["tests"][1]["rules"][0]["pointer"] == "/rules/1"
    assert told["coverage"][0]["untried"] == []


def test_all_that_is_wrong_in_all_files_is_told_at_once(folder, capsys):
    (folder / "policy.yaml").write_text(POLICY.replace("allow", "alow"))
    (folder / "other.test.yaml").write_text("version: 1\ntests: []\n")
    (folder / "policy.test.yaml").write_text(TESTS.replace("tools.json", "tolls.json"))

    code = placet.main(["test", "."])

    told = capsys.readouterr().err.splitlines()
    assert code == 2
    assert [line.partition(": ")[0] for line in told] == [
        "other.test.yaml:2:8",
        "policy.test.yaml:5:59",
        "policy.yaml:3:48",
    ]


def test_a_condition_that_reads_what_no_tool_of_the_tests_takes_is_an_error(folder, capsys):
    text = POLICY.replace('"*drop*"}', '"*drop*"}, when: args.tabel == "users"')
    (folder / "policy.yaml").write_text(text)
    schema = {"type": "object", "properties": {"table": {"type": "string"}}}
    listed = {"tools": [{"name": "drop_table", "inputSchema": schema}]}
    (folder / "tools.json").write_text(json.dumps(listed))

    code = placet.main(["test", "policy.test.yaml"])

    assert code == 2
    assert capsys.readouterr().err.splitlines() == [
        "policy.yaml:4:58: `args` has no `tabel` at `files/drop_table`; did you mean `args.table`?"
    ]


def test_the_tests_beside_the_policy_of_the_configuration_are_found_by_themselves(folder, capsys):
    (folder / "placet.yaml").write_text(
        "version: 1\npolicy: policy.yaml\nledger: {url: 'sqlite:///placet.db'}\n"
        "people: {alice: {}}\nteams: {platform: {channel: C0PLATFORM, approvers: [alice]}}\n"
        "servers: {files: {url: 'http://127.0.0.1:9/mcp', team: platform}}\n"
        "agents: {ci-bot: {team: platform, owner: alice, key: '${CI_BOT_KEY}'}}\n"
        "slack: {mode: local}\nlisten: {agents: '127.0.0.1:0', operations: '127.0.0.1:0'}\n"
    )
    (folder / "policy.test.yaml").write_text(
        "version: 1\nservers: {files: {tools: [read_file]}}\n"
        "tests: [{call: files/read_file, expect: allow}]\n"
    )

    code = placet.main(["test"])

    assert code == 0, capsys.readouterr()
