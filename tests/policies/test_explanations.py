"""An explanation tells of every rule whether it covers the call, and why."""

from datetime import UTC, datetime, timedelta

from policies.deciding.exceeding import NOTHING_USED
from policies.explaining.explanation_lines import explanation_lines
from policies.explaining.explanations import explain
from policies.people.people import Agent, Directory
from policies.risks.risk import RiskFinding
from policies.rules.decisions import LiveGrant
from policies.rules.policy import Policy, compile_policy
from policies.values.calls import Call, Number, Risk, Tool

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DIRECTORY = Directory(
    agents={"ci-bot": Agent("ci-bot", "platform", "alice")}, server_teams={"shop": "platform"}
)
MISSING = "its condition cannot be evaluated: `currency` is missing"
POLICY = """\
version: 1
rules:
  - {name: reads, match: {risk: read}, effect: allow}
  - {name: previews, match: {tool: create_*}, except: {tool: "*_refund"}, effect: allow}
  - {name: small, when: args.amount < 10, effect: allow}
  - name: large
    match: {tool: create_refund}
    when: args.amount >= 10
    effect: require_approval
    approval: {approvals: 2, expires_in: 90s}
  - {name: missing, when: args.currency == "EUR", effect: require_approval}
"""


def lines_of(
    policy: Policy,
    grants: list[LiveGrant],
    server: str = "shop",
    *,
    every: bool = True,
    unaccepted: str | None = None,
) -> list[str]:
    call = Call("ci-bot", "platform", None, server, "create_refund", {"amount": Number("25")})
    tool = Tool(server, "create_refund", "", "{}", "aa")
    finding = RiskFinding(Risk.FINANCIAL, "`refund` in its name")
    found = explain(
        call,
        policy,
        grants,
        NOON,
        tool=tool,
        risk=finding,
        directory=DIRECTORY,
        usage=NOTHING_USED,
        unaccepted=unaccepted,
    )
    return list(explanation_lines(found, every=every))


def test_every_rule_is_told_with_its_pointer_and_why_it_covers_or_not():
    policy = compile_policy(POLICY)

    lines = lines_of(policy, [])

    assert lines == [
        "ci-bot calls shop/create_refund: held for approval",
        "risk: financial (`refund` in its name)",
        "rule reads (/rules/0, allow) does not cover it: its `risk` does not match",
        "rule previews (/rules/1, allow) does not cover it: its `except` takes the call out",
        "rule small (/rules/2, allow) does not cover it: its condition does not hold",
        "rule large (/rules/3, require_approval) covers it: its condition holds",
        f"rule missing (/rules/4, require_approval) covers it: {MISSING}",
        "asks: 2 of team platform",
        "asked for 90s, to be used within 15m",
        f"policy: {policy.digest}",
    ]


def test_every_grant_is_told_with_what_stands_in_its_way():
    policy = compile_policy("version: 1\n")
    hour = NOON + timedelta(hours=1)
    grants = [
        LiveGrant("g1", "ci-bot", "shop/*", hour, None, {"platform": 1}),
        LiveGrant("g2", "ci-bot", "shop/get_*", hour, None, {"platform": 1}),
        LiveGrant("g3", "ci-bot", "shop/*", NOON, None, {"platform": 1}),
        LiveGrant("g4", "ci-bot", "shop/*", hour, None, {}),
        LiveGrant("g5", "ci-bot", "shop/*", hour, 0, {"platform": 1}),
        LiveGrant("g6", "other", "shop/*", hour, None, {"platform": 1}),
        LiveGrant("g7", "ci-bot", "shop/*", hour, None, {"platform": 1}),
    ]

    lines = lines_of(policy, grants)

    assert lines[0] == "ci-bot calls shop/create_refund: allowed"
    assert [line for line in lines if line.startswith("grant")] == [
        "grant g1 lifts it",
        "grant g2 does not lift it: it is for `shop/get_*`",
        "grant g3 does not lift it: it has ended",
        "grant g4 does not lift it: 0 of 1 approvers of `platform` gave it",
        "grant g5 does not lift it: it is used up",
        "grant g6 does not lift it: it is for agent `other`",
        "grant g7 does not lift it: another grant does",
    ]


def test_the_default_and_a_message_are_told():
    denied = compile_policy(
        "version: 1\nrules: [{name: no, effect: deny, message: open a ticket}]\n"
    )

    assert "default (/default, require_approval): no rule covers the call" in lines_of(
        compile_policy("version: 1\n"), []
    )
    assert "message: open a ticket" in lines_of(denied, [])


def test_a_server_that_no_team_owns_is_told():
    lines = lines_of(compile_policy(POLICY), [], server="ghost")

    assert lines[0] == "ci-bot calls ghost/create_refund: denied"
    assert "no-team (-, deny): no team owns the server `ghost`" in lines


def test_rules_that_say_nothing_of_such_calls_are_only_counted_unless_asked_for():
    lines = lines_of(compile_policy(POLICY), [], every=False)

    assert [line for line in lines if line.startswith("rule")] == [
        "rule small (/rules/2, allow) does not cover it: its condition does not hold",
        "rule large (/rules/3, require_approval) covers it: its condition holds",
        f"rule missing (/rules/4, require_approval) covers it: {MISSING}",
    ]
    assert "2 other rules and limits say nothing of such calls; --all tells why" in lines


def test_a_tool_that_nobody_accepted_is_told():
    policy = compile_policy("version: 1\nrules: [{name: all, effect: allow}]\n")

    lines = lines_of(policy, [], unaccepted="it is new")

    assert lines[0] == "ci-bot calls shop/create_refund: held for approval"
    assert "tool-not-accepted (-, require_approval): it is new" in lines
