"""`placet lint` tells what it finds to people and machines, and exits by how grave it is."""

import json

import pytest
from scenarios.documents import ROOT, blocks

import placet
from policies.rules.policy import compile_policy
from policies.values.problems import InvalidDocument

POLICY = """\
version: 1
rules:
  - {name: reads, match: {tool: read_*}, effect: allow}
  - {name: again, match: {tool: read_file}, effect: allow}
"""
HINT = (
    "policy.yaml:4:5: hint: rule `again` adds nothing to `reads` on line 3; "
    "remove it, unless it is there for its name (adds-nothing)"
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in a folder with a policy and no configuration."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("least", "code"), [("warning", 0), ("hint", 1), ("never", 0)])
def test_the_exit_code_goes_by_severity(least, code, capsys):
    assert placet.main(["lint", "--policy", "policy.yaml", "--fail-on", least]) == code

    assert capsys.readouterr().out.splitlines() == [HINT, "1 hint"]


def test_findings_are_told_to_machines(capsys):
    code = placet.main(["lint", "--policy", "policy.yaml", "--json"])

    assert code == 0
    assert json.loads(capsys.readouterr().out) == {
        "findings": [
            {
                "file": "policy.yaml",
                "line": 4,
                "column": 5,
                "severity": "hint",
                "kind": "adds-nothing",
                "what": "rule `again` adds nothing to `reads` on line 3",
                "instead": "remove it, unless it is there for its name",
            }
        ]
    }


@pytest.mark.parametrize(
    ("option", "content"),
    [
        ("files=tools.json", {"tools": [{"name": "write_file"}]}),
        ("files=tools.json", {"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "w"}]}}),
        ("files=tools.json", ["write_file"]),
        ("tools.json", {"servers": [{"name": "files", "tools": [{"name": "write_file"}]}]}),
        ("tools.json", [{"server": "files", "tools": [{"tool": "write_file"}]}]),
    ],
)
def test_tools_are_read_from_lists_and_from_what_scans_print(option, content, folder, capsys):
    (folder / "tools.json").write_text(json.dumps(content))

    code = placet.main(["lint", "--policy", "policy.yaml", "--tools", option])

    out = capsys.readouterr().out
    assert code == 1
    assert "`read_*` in `match` of rule `reads` fits no tool of `files`" in out


@pytest.mark.parametrize("wrapped", [False, True])
def test_what_conditions_read_that_no_tool_takes_is_an_error(wrapped, folder, capsys):
    schema = {"type": "object", "properties": {"path": {"type": "string"}}}
    tool = {"name": "read_file", "inputSchema": schema}
    content = {"name": "files", "tools": [{"name": "read_file", "definition": tool}]}
    (folder / "tools.json").write_text(json.dumps(content if wrapped else {"tools": [tool]}))
    rule = "{name: inside, match: {tool: read_file}, when: args.pth == 'a', effect: deny}"
    (folder / "policy.yaml").write_text(f"version: 1\nrules:\n  - {rule}\n")
    option = "tools.json" if wrapped else "files=tools.json"

    code = placet.main(["lint", "--policy", "policy.yaml", "--tools", option])

    assert code == 1
    finding, count = capsys.readouterr().out.splitlines()
    assert finding.startswith("policy.yaml:3:57: error: `args` has no `pth` at `files/read_file`")
    assert finding.endswith("; did you mean `args.path`? (argument)")
    assert count == "1 error"


def test_a_server_that_a_scan_did_not_reach_is_one_whose_tools_are_not_known(folder, capsys):
    reached = {"name": "files", "failure": None, "tools": [{"name": "read_file"}]}
    lost = {"name": "vault", "failure": "no answer", "tools": []}
    (folder / "scan.json").write_text(json.dumps({"servers": [reached, lost]}))
    (folder / "policy.yaml").write_text(
        "version: 1\nrules: [{name: a, match: {server: vault, tool: get}, effect: allow}]\n"
    )

    code = placet.main(["lint", "--policy", "policy.yaml", "--tools", "scan.json"])

    assert (code, capsys.readouterr().out) == (0, "nothing found\n")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"tools": [{"name": "a"}]}', ("`tools.json` does not say whose tools these are; "
         "write `--tools SERVER=tools.json`")),
        ('{"what": 5}', ("`tools.json` holds no list of tools; write what `tools/list` answers: "
         '`{"tools": [{"name": …}]}`')),
    ],
)  # fmt: skip
def test_what_holds_no_tools_is_refused(content, said, folder, capsys):
    (folder / "tools.json").write_text(content)

    assert placet.main(["lint", "--policy", "policy.yaml", "--tools", "tools.json"]) == 1

    assert capsys.readouterr().err == f"placet: {said}\n"


def test_without_a_policy_nothing_can_be_looked_at(capsys):
    assert placet.main(["lint"]) == 2

    assert "name a policy with --policy" in capsys.readouterr().err


@pytest.fixture
def configured(folder, monkeypatch):
    """Give the configuration and the policy of the policy reference, and what they need."""
    for block in blocks(ROOT / "docs" / "policy.md"):
        if block.title in {"placet.yaml", "policy.yaml"}:
            (folder / block.title).write_text(block.text)
    kinds = {"CI_BOT_KEY": "key", "SLACK_BOT_TOKEN": "xoxb", "SLACK_APP_TOKEN": "xapp"}
    for name, kind in kinds.items():
        monkeypatch.setenv(name, f"{kind}-{'k' * 32}")
    return folder


def test_beside_a_configuration_more_is_known_and_no_ledger_begins(configured, capsys):
    code = placet.main(["lint", "--fail-on", "hint"])

    assert (code, capsys.readouterr().out) == (0, "nothing found\n")
    assert not list(configured.glob("*.db*"))


def test_approvals_that_nobody_could_give_are_found(configured, capsys):
    text = (configured / "placet.yaml").read_text()
    (configured / "placet.yaml").write_text(text.replace("[bob, cat]", "[alice]"))

    code = placet.main(["lint", "--json"])

    found = json.loads(capsys.readouterr().out)["findings"]
    assert code == 1
    assert {finding["kind"] for finding in found} == {"nobody-can-approve"}


def documented() -> list[tuple[str, str]]:
    """Return the policies of the documents and of the library, by where they stand."""
    found = [
        (f"{document.name}/{block.title}", block.text)
        for document in sorted((ROOT / "docs").glob("*.md"))
        for block in blocks(document)
        if block.title and "\nrules:" in block.text and _alone(block.text)
    ]
    library = sorted((ROOT / "policies" / "library").glob("*.yaml"))
    tests = [path for path in library if not path.name.endswith(".test.yaml")]
    return [*found, *((path.name, path.read_text()) for path in tests)]


def _alone(text: str) -> bool:
    """Say whether a text is a policy by itself, not one that others include."""
    try:
        compile_policy(text)
    except InvalidDocument:
        return False
    return True


@pytest.mark.parametrize(("name", "text"), documented())
def test_no_policy_of_ours_has_a_finding(name, text, folder, capsys):
    (folder / "policy.yaml").write_text(text)

    code = placet.main(["lint", "--policy", "policy.yaml", "--fail-on", "hint"])

    assert (code, capsys.readouterr().out) == (0, "nothing found\n")
