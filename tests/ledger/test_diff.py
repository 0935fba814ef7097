"""What changed between two positions or times: approvals, grants, agents, tools, the policy."""

import asyncio
from dataclasses import replace

import pytest
from acme import ADD_MOLE, WRITE_FILE
from open_ledgers import Clock, open_ledger, prepare
from shelled import Terminal, a_history, approved_call, granted_call, waiting_call
from tampering import tamper

from ledger.deciding.accepting import AcceptTools
from ledger.lives.agents import RevokeAgent
from ledger.lives.deadlines_due import ExpireApproval, ExpireGrant
from ledger.lives.policy_in_force import ActivatePolicy
from ledger.lives.tools import SeeTools
from policies.values.refusals import Refused

POLICY = "version: 1\nrules:\n  - {name: a, effect: allow}\n  - {name: b, effect: allow}\n"
NEWER = """\
version: 1
rules:
  - {name: c, effect: deny}
  - {name: a, effect: deny, when: args.x > 1}
default: deny
"""


def activated(text: str, digest: str) -> ActivatePolicy:
    return ActivatePolicy(
        id=f"p-{digest}", actor="placet:policy", digest=digest, text=text, source="p.yaml"
    )


@pytest.fixture
def terminal(sqlite_url) -> Terminal:
    return a_history(sqlite_url)


def test_what_happened_between_two_positions_is_told_by_what_it_is_about(ledger_url) -> None:
    terminal = a_history(ledger_url)

    code = terminal.run("audit", "diff", "4", "15")

    assert code == 0
    assert terminal.lines == [
        "from position 4 to position 15: 11 events",
        "calls: 1 allow, 1 require_approval decided",
        "  1 under a grant, 0 only observed",
        "  ended: 1 ok",
        "approvals: 1 asked for, 1 ended",
        '  apr_1  "ci-bot files/write_file"  was there, then completed',
        '  apr_3  "ci-bot files/write_file"  asked for, then pending',
        "grants: 1 given, 0 ended",
        '  grt_1  "ci-bot files/write_*"  given, then live, used 1 times',
        "agents: none",
        "tools: none",
        "freezes: none",
        "delegations: none",
        "projections: none",
        "policy: none activated",
    ]


def test_between_a_position_and_itself_nothing_happened(terminal) -> None:
    assert terminal.run("audit", "diff", "7", "7", "--json") == 0

    assert terminal.json() == {
        "after": 7,
        "last": 7,
        "events": 0,
        "calls": {
            "decided": {"allow": 0, "require_approval": 0, "deny": 0},
            "under_a_grant": 0,
            "observed": 0,
            "ended": {},
        },
        "approvals": [],
        "grants": [],
        "agents": [],
        "tools": [],
        "policies": [],
        "freezes": [],
        "delegations": [],
        "projections": [],
        "policy": {"before": "5f" * 32, "after": "5f" * 32, "changes": [], "lines": []},
    }


def test_a_policy_is_compared_by_its_rules_and_by_its_lines(sqlite_url) -> None:
    with open_ledger(sqlite_url) as ledger:
        asyncio.run(ledger.execute(activated(POLICY, "aa" * 32)))
        asyncio.run(ledger.execute(activated(NEWER, "bb" * 32)))
    terminal = Terminal(sqlite_url)

    terminal.run("audit", "diff", "1", "2")

    told = terminal.text.partition("policy: 1 activated\n")[2]
    for line in (
        '  rule a, effect: "allow" became "deny"',
        '  rule a, when: nothing became "args.x > 1"',
        '  rule b is gone: {"effect": "allow", "name": "b"}',
        '  rule c is new: {"effect": "deny", "name": "c"}',
        '  default is new: "deny"',
        "  | -  - {name: b, effect: allow}",
        "  | +default: deny",
    ):
        assert line in told.split("\n"), line


def test_a_policy_that_is_no_yaml_is_compared_by_its_lines_alone(sqlite_url) -> None:
    with open_ledger(sqlite_url) as ledger:
        asyncio.run(ledger.execute(activated(POLICY, "aa" * 32)))
        asyncio.run(ledger.execute(activated("rules: [\n", "bb" * 32)))
    terminal = Terminal(sqlite_url)

    terminal.run("audit", "diff", "1", "2", "--json")

    assert terminal.json()["policy"]["changes"] is None
    assert "+rules: [" in terminal.json()["policy"]["lines"]


def test_two_times_are_compared_as_replay_takes_them(sqlite_url) -> None:
    clock = Clock()

    async def record() -> None:
        await prepare(ledger)
        await approved_call(ledger)
        clock.advance(60)
        await granted_call(ledger)
        await waiting_call(ledger)
        await ledger.execute(ADD_MOLE)
        newer = replace(WRITE_FILE, hash="bb" * 32)
        see = SeeTools(id="see-2", actor="placet:gateway", server="files", tools=(newer,))
        await ledger.execute(see)
        accept = AcceptTools(
            id="accept", actor="shell:ops", server="files", tools=(("write_file", "bb" * 32),)
        )
        await ledger.execute(accept)
        clock.advance(7200)
        await ledger.execute(
            ExpireApproval(id="expire:apr_3", actor="placet:sweep", approval="apr_3")
        )
        await ledger.execute(ExpireGrant(id="expire:grt_1", actor="placet:sweep", grant="grt_1"))
        await ledger.execute(RevokeAgent(id="m", actor="shell:ops", agent="mole"))

    with open_ledger(sqlite_url, clock) as ledger:
        asyncio.run(record())
    terminal = Terminal(sqlite_url, now=clock.now)

    terminal.run("audit", "diff", "2h1m ago", "1h ago", "--json")
    earlier = terminal.json()
    terminal.run("audit", "diff", "1h ago", "now", "--json")
    later = terminal.json()

    assert [event["event"] for event in earlier["agents"]] == ["AgentAdded"]
    assert [event["event"] for event in earlier["tools"]] == ["ToolSeen", "ToolAccepted"]
    assert earlier["calls"]["under_a_grant"] == 1
    assert earlier["last"] == later["after"]
    assert later["approvals"] == [
        {"id": "apr_3", "began": False, "ended": True, "status": "expired"}
    ]
    assert later["grants"] == [
        {"id": "grt_1", "began": False, "ended": True, "status": "expired", "used": 0}
    ]
    assert [event["event"] for event in later["agents"]] == ["AgentRevoked"]


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (("9", "3"), "9 is position 9, behind 3, which is 3: swap"),
        (("1", "99"), "the ledger ends at position 15"),
        (("soon", "3"), "is no time"),
        (("2026-11-23T12:00", "3"), "no time zone"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_a_hint(terminal, points, words) -> None:
    with pytest.raises(Refused, match=words):
        terminal.run("audit", "diff", *points)


@pytest.mark.parametrize("which", ["= 6", "> 12"])
def test_missing_events_are_not_passed_over(terminal, which) -> None:
    tamper(terminal.url, f"DELETE FROM ledger_event WHERE position {which}")

    with pytest.raises(Refused, match="are missing"):
        terminal.run("audit", "diff", "0", "15")
