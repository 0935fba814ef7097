"""`placet explain` says how one call would be decided, and sends nothing."""

import asyncio
import json

import pytest
from gateway_stage import CI_BOT, POLICY, configuration_text, now

import placet
from gateway.wire.definitions import tools_of
from ledger.ledger import Ledger
from ledger.lives.tools import SeeTools
from policies.values.strict_json import parse


@pytest.fixture
def config(tmp_path):
    """Give a configuration whose ledger has seen one tool."""
    text = configuration_text("http://127.0.0.1:9/mcp", "1s")
    (tmp_path / "placet.yaml").write_text(text.replace("placet.db", f"{tmp_path}/placet.db"))
    (tmp_path / "policy.yaml").write_text(
        POLICY + '  - {name: main, match: {tool: read_file}, when: args.path == "/etc/shadow",'
        " effect: deny, message: not that one}\n"
    )
    with Ledger.open(f"sqlite:///{tmp_path}/placet.db", now=now) as ledger:
        tool = parse(b'{"name": "read_file", "description": "Reads a file."}')
        seen = SeeTools(
            id="see", actor="placet:gateway", server="files", tools=tools_of("files", [tool])
        )
        asyncio.run(ledger.execute(seen))
    return str(tmp_path / "placet.yaml")


def explain(config, *arguments):
    return placet.main(["explain", *arguments, "--config", config])


def test_it_names_the_rules_that_speak(config, capsys):
    code = explain(
        config, "files/read_file", "--agent", "ci-bot", "--arguments", '{"path": "/etc/shadow"}'
    )

    out = capsys.readouterr().out
    assert code == 0
    assert "ci-bot calls files/read_file: denied" in out
    assert "main" in out
    assert "not that one" in out
    assert CI_BOT not in out


def test_before_the_ledger_begins_it_says_so_and_begins_none(config, capsys, tmp_path):
    (tmp_path / "placet.db").unlink()
    before = sorted(tmp_path.iterdir())

    code = explain(config, "files/read_file", "--agent", "ci-bot")

    assert code == 0
    assert "note: there is no ledger yet" in capsys.readouterr().out
    assert sorted(tmp_path.iterdir()) == before


def test_it_says_what_would_be_for_a_call_on_somebodys_behalf(config, capsys, tmp_path):
    text = POLICY + "  - {name: bobs, match: {on_behalf_of: bob}, effect: deny}\n"
    (tmp_path / "policy.yaml").write_text(text)

    explain(config, "files/read_file", "--agent", "ci-bot")
    own = capsys.readouterr().out
    explain(config, "files/read_file", "--agent", "ci-bot", "--on-behalf-of", "bob")
    bobs = capsys.readouterr().out
    code = explain(config, "files/read_file", "--agent", "ci-bot", "--on-behalf-of", "eve")
    told = capsys.readouterr().err

    assert "ci-bot calls files/read_file: allowed" in own
    assert "ci-bot calls files/read_file: denied" in bobs
    assert (code, "there is no person `eve`; the people are: alice, bob" in told) == (1, True)


def test_arguments_may_come_from_a_file(config, capsys, tmp_path):
    (tmp_path / "arguments.json").write_text('{"path": "a"}')

    code = explain(
        config,
        "files/read_file",
        "--agent",
        "ci-bot",
        "--arguments",
        f"@{tmp_path}/arguments.json",
    )

    assert code == 0
    assert "ci-bot calls files/read_file: allowed" in capsys.readouterr().out


def test_it_decides_as_if_it_were_another_time(config, capsys, tmp_path):
    text = POLICY + "  - {name: nights, when: now.getHours() < 6, effect: deny}\n"
    (tmp_path / "policy.yaml").write_text(text)
    call = ("files/read_file", "--agent", "ci-bot", "--at")

    explain(config, *call, "2026-01-31T03:00:00Z")
    night = capsys.readouterr().out
    explain(config, *call, "2026-01-31T13:00:00Z")
    day = capsys.readouterr().out
    code = explain(config, *call, "2026-01-31T13:00:00")

    assert "ci-bot calls files/read_file: denied" in night
    assert "note: grants, freezes and what is taken of limits are as the ledger has them" in night
    assert "ci-bot calls files/read_file: allowed" in day
    assert (code, "no time zone" in capsys.readouterr().err) == (2, True)


def test_it_tells_the_same_to_machines_with_every_rule(config, capsys):
    explain(config, "files/read_file", "--agent", "ci-bot", "--json")

    told = json.loads(capsys.readouterr().out)
    assert told["effect"] == "deny"
    assert told["risk"]["evidence"].endswith("in its name")
    assert [(each["pointer"], each["speaks"], each["covers"]) for each in told["rules"]] == [
        ("/rules/0", True, True),
        ("/rules/1", False, False),
        ("/rules/2", True, True),
    ]
    assert told["rules"][2]["why"] == "its condition cannot be evaluated: `path` is missing"


def test_it_says_where_a_tool_was_never_seen(config, capsys):
    code = explain(config, "files/unknown", "--agent", "ci-bot")

    assert code == 0
    assert "not seen a tool of this name" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "expected", "said"),
    [
        (["nowhere/x"], 1, "the servers are: files"),
        (["files"], 1, "is no server/tool"),
        (["files/read_file", "--agent", "nobody"], 1, "the agents are: ci-bot, other-bot"),
        (["files/read_file", "--arguments", "[]"], 2, "not a JSON object"),
        (["files/read_file", "--arguments", "{path: a}"], 2, "the arguments are not a"),
        (["files/read_file", "--arguments", "@/no/file"], 2, "there is no file `/no/file`"),
    ],
)
def test_what_is_wrong_is_said_in_words(config, capsys, arguments, expected, said):
    code = explain(config, "--agent", "ci-bot", *arguments)

    assert code == expected
    assert said in capsys.readouterr().err
