"""`placet scan` as it is typed: what it prints, writes, refuses and exits with."""

import json
import sys
from pathlib import Path

import pytest
from scanning import tool

import placet
import placet_scan

SERVER = Path(__file__).parent / "stdio_servers" / "listing_server.py"
TOOLS = [
    tool("read_it", "Reads it"),
    tool("delete_it", "Deletes it.\u202e \x1b[31m"),
    tool("run_it", "Runs a command", command={"type": "string"}),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Give a folder with a list of tools, and make it the current one."""
    monkeypatch.chdir(tmp_path)
    listed(TOOLS)
    return tmp_path


def listed(tools):
    Path("tools").write_text("".join(f"{json.dumps(each)}\n" for each in tools), "utf-8")


def scan(*options):
    return placet.main(["scan", *options, "--", sys.executable, str(SERVER), "tools"])


def test_tools_are_listed_with_their_risk_and_what_is_wrong_with_them(folder, capsys):
    code = scan()

    said = capsys.readouterr()
    assert code == 0
    assert said.out.splitlines()[:5] == [
        "listing: 3 tools (1 read, 1 execute, 1 destructive)",
        "  RISK         TOOL       EVIDENCE",
        "  destructive  delete_it  `delete` in its name",
        "  execute      run_it     `run` in its name",
        "  read         read_it    `read` in its name",
    ]
    assert "high: listing/delete_it control characters (hidden-characters)" in said.out
    assert "    Deletes it.\\u{202E} \\u{1B}[31m" in said.out
    assert "\u202e" not in said.out
    assert "\x1b" not in said.out
    assert said.err.splitlines() == ["scan: listing: connecting", "scan: listing: 3 tools"]


@pytest.mark.parametrize(("severity", "code"), [("low", 1), ("high", 1), ("critical", 0)])
def test_the_exit_code_follows_the_gravest_finding(folder, severity, code):
    assert scan("--fail-on", severity) == code


def test_an_earlier_scan_is_compared_with(folder, capsys):
    scan("--json")
    earlier = capsys.readouterr().out
    (folder / "earlier.json").write_text(earlier)
    listed([tool("read_it", "Reads it, and removes it"), *TOOLS[1:]])

    code = scan("--diff", "earlier.json", "--fail-on", "critical")

    said = capsys.readouterr().out
    assert code == 0
    assert "high: listing/read_it has another definition; its risk was read" in said
    assert "      - description: Reads it\n      + description: Reads it, and removes it" in said
    assert json.loads(earlier)["servers"][0]["tools"][0]["risk"] == "read"


def test_starter_files_are_written_checked_tried_and_never_overwritten(folder, capsys):
    assert scan("--write", "made") == 0
    for command in (["check"], ["test", "made/policy.test.yaml", "--require-coverage"]):
        assert placet.main([*command, "--config", "made/placet.yaml"]) == 0
    assert "3 tests: 3 as expected, 0 not" in capsys.readouterr().out
    (folder / "made" / "policy.yaml").write_text("mine")

    assert scan("--write", "made") == 1

    assert "would be overwritten; name another folder, or add --force" in capsys.readouterr().err
    assert (folder / "made" / "policy.yaml").read_text() == "mine"
    assert scan("--write", "made", "--force") == 0
    assert (folder / "made" / "policy.yaml").read_text() != "mine"


def test_of_a_server_without_tools_no_starter_files_are_written(folder, capsys):
    listed([])

    assert scan("--write", "starter") == 1

    assert "no server lists a tool, so there is nothing to write" in capsys.readouterr().err
    assert not Path("starter").exists()


def test_every_server_of_a_clients_file_is_scanned_and_no_credential_is_shown(folder, capsys):
    python = {"command": sys.executable, "args": [str(SERVER), "tools"]}
    servers = {
        "One": {**python, "env": {"MY_KEY": "0123456789abcdef"}},
        "two": {**python, "args": [*python["args"], "--token", "fedcba9876543210"]},
        "gone": {"command": "/nonexistent"},
    }
    (folder / "mcp.json").write_text(json.dumps({"mcpServers": servers}))

    code = placet.main(["scan", "--mcp-servers", "mcp.json", "--write", "made"])

    said = capsys.readouterr()
    assert code == 1
    assert "gone: could not be scanned: " in said.out
    assert "medium: two/read_it has the name of a tool of `one`" in said.out
    assert "  MY_KEY: `MY_KEY` of its environment, of `one`" in said.err
    whole = said.out + said.err + "".join(p.read_text() for p in (folder / "made").iterdir())
    assert "0123456789abcdef" not in whole
    assert "fedcba9876543210" not in whole


@pytest.mark.parametrize(
    ("beside", "said"),
    [
        ({}, "nothing could be looked at"),
        ({"empty": True}, "no findings at the servers that were scanned; 1 could not be"),
    ],
)
def test_where_nobody_could_look_nobody_says_that_nothing_was_found(folder, capsys, beside, said):
    listed([])
    python = {"command": sys.executable, "args": [str(SERVER), "tools"]}
    servers = {"gone": {"command": "/nonexistent"}, **dict.fromkeys(beside, python)}
    (folder / "mcp.json").write_text(json.dumps({"mcpServers": servers}))

    code = placet.main(["scan", "--mcp-servers", "mcp.json"])

    assert code == 1
    assert capsys.readouterr().out.splitlines()[-1] == said


def test_servers_of_the_configuration_are_scanned_by_name_under_its_policy(folder, capsys):
    scan("--write", ".")
    text = (folder / "policy.yaml").read_text() + "risk: {'listing/read_*': financial}\n"
    (folder / "policy.yaml").write_text(text)
    capsys.readouterr()

    code = placet.main(["scan", "listing"])

    assert code == 0
    assert "financial    read_it    the policy says so of `listing/read_*`" in (
        capsys.readouterr().out
    )
    assert placet.main(["scan", "listing", "--write", "made"]) == 1


def configured_beside(external, *, only=False):
    """Write a configuration with the server of the tests, and one that callers run themselves."""
    assert scan("--write", ".") == 0
    text = Path("placet.yaml").read_text()
    head, _, servers = text.partition("servers:\n")
    rest = servers[servers.index("agents:") :] if only else servers
    Path("placet.yaml").write_text(f"{head}servers:\n  {external}\n{rest}")


BILLING = "billing: {external: true, team: owners, tools: {refund: Pays back.}}"


def test_a_server_that_callers_run_is_left_out_unless_it_is_named(folder, capsys):
    configured_beside(BILLING)
    capsys.readouterr()

    every = placet.main(["scan"])

    said = capsys.readouterr()
    assert every == 0
    assert "scan: billing: left out; it is external" in said.err
    assert "billing" not in said.out
    assert placet.main(["scan", "billing"]) == 1
    assert "`billing` is run by whoever asks about its calls" in capsys.readouterr().out


def test_a_scan_of_nothing_says_so(folder, capsys):
    configured_beside(BILLING, only=True)
    capsys.readouterr()

    code = placet.main(["scan"])

    assert code == 2
    assert "has no server to look at" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ([], 2, "there is no `placet.yaml` here"),
        (["no-such-program"], 2, "`no-such-program` is no address, no program, and no server"),
        (["--mcp-servers", "tools"], 2, "the file of servers is not JSON"),
        (["--mcp-servers", "none.json"], 2, "there is no file `none.json`; write it"),
        (["--mcp-servers", "tools", "x"], 2, "not both"),
        (["http://h/", "--header", "x"], 2, "write a header like `Authorization: Bearer ${KEY}`"),
        (["http://h/", "--header", "A: ${NO}"], 2, "needs the variable `NO`; set it"),
        (["x", "--diff", "none.json"], 2, "`none.json` cannot be read"),
        (["x", "--diff", "tools"], 2, "the earlier scan cannot be read"),
    ],
)
def test_what_cannot_be_scanned_is_refused_with_what_to_do(folder, capsys, options, code, says):
    assert placet.main(["scan", *options]) == code

    assert says in capsys.readouterr().err


def test_a_gravity_that_there_is_not_is_refused_with_the_nearest(capsys):
    with pytest.raises(SystemExit, match="2"):
        placet.main(["scan", "x", "--fail-on", "hgh"])

    assert "there is no `hgh`; did you mean `high`?" in capsys.readouterr().err


def test_a_scan_that_is_interrupted_is_not_said_to_have_found_something(folder, monkeypatch):
    def interrupted(*_given):
        raise KeyboardInterrupt

    monkeypatch.setattr(placet_scan, "look_at", interrupted)

    assert placet.main(["scan", "http://127.0.0.1:9/"]) == 130
