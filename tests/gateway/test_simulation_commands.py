"""`placet simulate` asks a candidate policy about the ledger's calls, beside a running service."""

import argparse
import asyncio
from dataclasses import replace

import pytest
from acme import WRITE_FILE, ask, assessed, grant
from open_ledgers import open_ledger, prepare
from shelled import Terminal

from gateway.policy_commands.simulation_commands import register
from ledger.lives.freezes import BeginFreeze
from ledger.lives.tools import SeeTools
from policies.deciding.freezes import Frozen
from policies.rules.decisions import Effect

CANDIDATE = """\
version: 1
rules:
  - {name: secrets, when: 'args.path.startsWith("/secret")', effect: deny}
  - {name: asks, match: {agent: other}, effect: require_approval}
  - {name: writes, match: {tool: write_file}, effect: allow}
"""


@pytest.fixture
def simulated(ledger_url, tmp_path):
    """Give what runs the command on a ledger with four calls, beside a service that has it open."""
    (tmp_path / "candidate.yaml").write_text(CANDIDATE)
    allowed = assessed(Effect.ALLOW)
    terminal = Terminal(ledger_url)
    with open_ledger(ledger_url) as ledger:

        async def fill():
            await prepare(ledger)
            for number, path in enumerate(("/etc/motd", "/secret/1", "/secret/2")):
                arguments = f'{{"path":"{path}"}}'
                await ledger.execute(
                    ask(f"call_{number}", allowed, arguments=arguments, digests=(f"k1:{number}",))
                )
            await ledger.execute(ask("call_3", arguments='{"path":"/tmp/x"}'))

        asyncio.run(fill())

        def run(*argv):
            terminal.lines.clear()
            parser = argparse.ArgumentParser()
            register(parser.add_subparsers().add_parser, terminal.shell())
            arguments = parser.parse_args(
                ["simulate", "--policy", str(tmp_path / "candidate.yaml"), *argv]
            )
            return arguments.run(arguments), terminal

        yield run, ledger


def test_what_would_change_is_told_as_a_table(simulated, capsys):
    run, _ = simulated

    code, terminal = run()

    assert code == 0
    assert terminal.lines[0] == "of 4 calls, 3 would change"
    assert [line.split() for line in terminal.lines[3:5]] == [
        ["2", "allow", "deny", "secrets", "files/write_file", "call_1,", "call_2"],
        ["1", "require_approval", "allow", "writes", "files/write_file", "call_3"],
    ]
    assert "a second" in capsys.readouterr().err


def test_the_same_is_told_to_machines_and_a_change_can_be_an_error(simulated):
    run, _ = simulated

    code, terminal = run("--json", "--fail-on-change")

    told = terminal.json()
    assert code == 1
    assert (told["calls"], told["would_change"], told["may_change"]) == (4, 3, 0)
    assert told["changed"][0] == {
        "from": "allow",
        "to": "deny",
        "rule": "secrets",
        "tool": "files/write_file",
        "calls": 2,
        "examples": ["call_1", "call_2"],
    }


def test_calls_are_chosen_by_agent_server_and_time(simulated):
    run, _ = simulated

    told = [
        run(*argv, "--json")[1].json()["calls"]
        for argv in (
            ("--agent", "nobody"),
            ("--server", "files"),
            ("--until", "1h ago"),
            ("--since", "1h ago"),
        )
    ]

    assert told == [0, 4, 0, 4]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--agent", "ci-bto"), "no call with agent `ci-bto` is kept from that time; did you mean"),
        (("--server", "x"), "no call with server `x` is kept from that time; write one of `files`"),
        (("--agent", "x", "--until", "1h ago"), "`x` is kept from that time; there are no calls"),
    ],
)
def test_a_name_of_which_there_is_no_call_is_told(simulated, capsys, argv, said):
    run, _ = simulated

    run(*argv)

    assert said in capsys.readouterr().err


def test_a_candidate_that_reads_what_no_tool_takes_is_told(simulated, tmp_path, capsys):
    run, ledger = simulated
    schema = '{"properties":{"path":{"type":"string"}},"type":"object"}'
    definition = f'{{"inputSchema":{schema},"name":"write_file"}}'
    tool = replace(WRITE_FILE, definition=definition, hash="bb" * 32)
    see = SeeTools(id="see-2", actor="placet:gateway", server="files", tools=(tool,))
    asyncio.run(ledger.execute(see))
    candidate = CANDIDATE.replace("args.path", "args.pth")
    (tmp_path / "candidate.yaml").write_text(candidate)

    code, _ = run()

    assert code == 0
    assert "3:33: `args` has no `pth` at `files/write_file`; did" in capsys.readouterr().err


def test_grants_of_then_lift_as_often_as_they_may(simulated, tmp_path):
    run, ledger = simulated
    (tmp_path / "candidate.yaml").write_text(
        "version: 1\nrules: [{name: all, effect: require_approval}]\n"
    )
    asyncio.run(_granted(ledger))

    _, terminal = run("--json")

    changed = {(each["from"], each["to"]): each["calls"] for each in terminal.json()["changed"]}
    assert changed == {("allow", "require_approval"): 4}  # of five that were allowed, one use


def test_limits_are_taken_from_in_the_order_of_the_calls(simulated, tmp_path):
    run, ledger = simulated
    (tmp_path / "candidate.yaml").write_text(
        "version: 1\ndefault: allow\n"
        "limits: [{name: three, at_most: 3, within: 1h, per: agent, effect: deny}]\n"
    )
    asyncio.run(_more(ledger))

    _, terminal = run("--json")

    changed = {
        (each["from"], each["rule"]): each["examples"] for each in terminal.json()["changed"]
    }
    assert changed == {
        ("allow", "three"): ["call_4", "call_5"],
        ("require_approval", "three"): ["call_3"],
    }


def test_a_call_that_a_freeze_denied_stays_denied(simulated):
    run, ledger = simulated
    asyncio.run(_frozen(ledger))

    _, terminal = run("--json")

    assert (terminal.json()["calls"], terminal.json()["would_change"]) == (5, 3)


async def _granted(ledger):
    """Give a grant for one use, then two calls that were allowed."""
    await ledger.execute(grant(None, uses=1))
    await _more(ledger)


async def _more(ledger):
    for number in (4, 5):
        await ledger.execute(
            ask(f"call_{number}", assessed(Effect.ALLOW), digests=(f"k1:{number}",))
        )


async def _frozen(ledger):
    await ledger.execute(
        BeginFreeze(
            id="freeze-1",
            actor="shell:root",
            freeze="frz_1",
            over=Frozen.EVERYTHING,
            name="",
            reason="stop",
        )
    )
    await ledger.execute(ask("call_4", assessed(Effect.ALLOW), digests=("k1:4",)))
