"""The strictest effect of all covering rules wins, approval rules add up, doubt counts against."""

from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from policy_text import policy_of

from policies.deciding.assessment import assess, unlisted
from policies.people.people import Agent, Directory, Team
from policies.risks.risk import RiskFinding
from policies.rules.decisions import Assessment, Effect, Spoke, Term
from policies.rules.policy import compile_policy
from policies.values.calls import Call, JsonValue, Number, Risk, Tool

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DIRECTORY = Directory(
    teams={
        "platform": Team("platform", "C1", ("bob",)),
        "security": Team("security", "C2", ("cat",)),
    },
    agents={"ci-bot": Agent("ci-bot", "platform", "alice")},
    server_teams={"github": "platform", "vault": "security"},
)


compiled = cache(compile_policy)


def call(tool: str = "push_files", server: str = "github", **arguments: JsonValue) -> Call:
    return Call("ci-bot", "platform", None, server, tool, arguments)


def assessed(rules: str, asked: Call, risk: Risk = Risk.WRITE) -> Assessment:
    tool = Tool(asked.server, asked.tool, "", "{}", "aa")
    finding = RiskFinding(risk, "`push` in its name")
    policy = compiled(rules if rules.startswith("version") else policy_of(rules))
    return assess(asked, policy, tool=tool, risk=finding, at=NOON, directory=DIRECTORY)


def test_a_call_that_no_rule_covers_waits_for_one_approver_of_the_servers_team():
    assessment = assessed("version: 1\n", call())

    assert assessment.effect is Effect.REQUIRE_APPROVAL
    assert assessment.terms == (Term("platform", 1),)
    assert (assessment.expires_in, assessment.use_within) == (
        timedelta(minutes=30),
        timedelta(minutes=15),
    )
    assert assessment.spoke == (
        Spoke("default", "/default", Effect.REQUIRE_APPROVAL, "no rule covers the call"),
    )
    assert assessment.grantable
    assert not assessment.show_result
    assert assessment.message is None


@pytest.mark.parametrize("default", ["allow", "deny"])
def test_the_default_that_is_stated_holds(default):
    assessment = assessed(f"version: 1\ndefault: {default}\n", call())

    assert (assessment.effect.value, assessment.terms) == (default, ())


def test_a_denial_is_stricter_than_an_approval_and_an_approval_than_an_allowance():
    allow = "{name: a, match: {tool: push_*}, effect: allow}"
    ask = "{name: b, match: {server: github}, effect: require_approval}"
    deny = "{name: c, match: {risk: write}, effect: deny, message: no}"

    assert assessed(allow, call()).effect is Effect.ALLOW
    assert assessed(f"{allow}\n{ask}", call()).effect is Effect.REQUIRE_APPROVAL
    denied = assessed(f"{allow}\n{ask}\n{deny}", call())
    assert denied.effect is Effect.DENY
    assert denied.terms == ()
    assert denied.message == "no"
    assert [(spoke.rule, spoke.pointer) for spoke in denied.spoke] == [
        ("c", "/rules/2"),
        ("b", "/rules/1"),
        ("a", "/rules/0"),
    ]


def test_approval_rules_add_up_to_each_teams_largest_count_and_the_shortest_times():
    assessment = assessed(
        """
        {name: a, effect: require_approval, approval: {team: security, expires_in: 10m}}
        {name: b, effect: require_approval, approval: {approvals: 2, use_within: 5m}}
        {name: c, effect: require_approval, approval: {team: platform, expires_in: 1h}}
        """,
        call(),
    )

    assert assessment.terms == (Term("platform", 2), Term("security", 1))
    assert assessment.expires_in == timedelta(minutes=10)
    assert assessment.use_within == timedelta(minutes=5)


def test_the_team_that_an_approval_rule_does_not_name_is_the_servers():
    rule = "{name: a, effect: require_approval, approval: {approvals: 2}}"

    assert assessed(rule, call(server="vault")).terms == (Term("security", 2),)


def test_what_except_names_is_taken_out():
    rule = "{name: a, match: {server: github}, except: {tool: push_*, risk: write}, effect: deny}"

    assert assessed(rule, call("push_files")).effect is Effect.REQUIRE_APPROVAL
    assert assessed(rule, call("merge")).effect is Effect.DENY
    assert assessed(rule, call("push_files"), Risk.EXECUTE).effect is Effect.DENY


def test_team_means_the_team_that_owns_the_server():
    rule = "{name: a, match: {team: security}, effect: deny}"

    assert assessed(rule, call(server="vault")).effect is Effect.DENY
    assert assessed(rule, call(server="github")).effect is Effect.REQUIRE_APPROVAL


@pytest.mark.parametrize("effect", ["deny", "require_approval"])
def test_a_condition_that_errs_covers_where_its_rule_restricts(effect):
    assessment = assessed(f"{{name: a, when: args.n > 1, effect: {effect}}}", call(n="many"))

    assert assessment.effect.value == effect
    assert assessment.spoke[0].because == (
        "its condition cannot be evaluated: a value has another type than the condition expects"
    )


def test_a_condition_that_errs_never_allows():
    assessment = assessed("{name: a, when: args.n > 1, effect: allow}", call())

    assert assessment.effect is Effect.REQUIRE_APPROVAL
    assert [spoke.rule for spoke in assessment.spoke] == ["default"]


@pytest.mark.parametrize(
    ("amount", "effect"),
    [
        ("99", Effect.ALLOW),
        ("101", Effect.DENY),
        ("99.00000000000000000001", Effect.DENY),
        ("1e400", Effect.DENY),
        ("99999999999999999999", Effect.DENY),
    ],
)
def test_a_number_that_a_condition_cannot_count_exactly_counts_against_the_call(amount, effect):
    rules = """
        {name: small, when: args.amount <= 100, effect: allow}
        {name: large, when: args.amount > 100, effect: deny}
    """

    assert assessed(rules, call(amount=Number(amount))).effect is effect


def test_conditions_see_the_call_the_agent_and_the_time():
    rule = (
        "{name: a, when: \"agent.owner == 'alice' && call.team == 'platform' && "
        "call.risk == 'write' && now == timestamp('2026-11-23T12:00:00Z')\", effect: allow}"
    )

    assert assessed(rule, call()).effect is Effect.ALLOW


def test_the_owner_of_an_agent_that_the_directory_lacks_is_unknown_to_conditions():
    stranger = Call("stranger", "platform", None, "github", "push_files", {})

    assessment = assessed("{name: a, when: agent.owner != 'alice', effect: allow}", stranger)

    assert assessment.effect is Effect.REQUIRE_APPROVAL


def test_what_is_remembered_of_a_tool_never_answers_for_what_a_condition_looks_at():
    rules = "{name: main, match: {tool: push_*}, when: args.branch == 'main', effect: deny}"

    effects = [
        assessed(rules, call(branch=branch)).effect.value
        for branch in ("main", "topic", "main", "topic")
    ]

    assert effects == ["deny", "require_approval", "deny", "require_approval"]


def test_what_is_remembered_of_a_tool_tells_the_risk_and_its_evidence_apart():
    reads = "{name: reads, match: {risk: read}, effect: allow}"

    risks = [assessed(reads, call(), risk) for risk in (Risk.READ, Risk.WRITE, Risk.READ)]

    assert [each.effect.value for each in risks] == ["allow", "require_approval", "allow"]
    assert [each.risk.value for each in risks] == ["read", "write", "read"]


def test_a_rule_that_needs_a_reason_is_not_lifted_by_grants():
    rule = "{name: a, effect: require_approval, approval: {reason: required}}"

    assessment = assessed(rule, call())

    assert (assessment.reason_required, assessment.grantable) == (True, False)


def test_what_grants_never_lift_is_not_grantable():
    text = "version: 1\ngrants: {never: {risk: destructive}}\n"

    assert assessed(text, call(), Risk.WRITE).grantable
    assert not assessed(text, call(), Risk.DESTRUCTIVE).grantable


@pytest.mark.parametrize(
    ("stated", "shown"),
    [
        (["true"], True),
        (["true", "true"], True),
        (["true", "false"], False),
        ([], False),
    ],
)
def test_a_result_is_shown_where_every_rule_that_speaks_of_it_says_so(stated, shown):
    rules = ["{name: silent, effect: require_approval}"]
    rules += [
        f"{{name: r{number}, effect: require_approval, show_result: {word}}}"
        for number, word in enumerate(stated)
    ]

    assert assessed("\n".join(rules), call()).show_result is shown


def test_a_server_that_no_team_owns_is_denied():
    assessment = assessed("{name: a, effect: allow}", call(server="unknown"))

    assert assessment.effect is Effect.DENY
    assert assessment.spoke == (
        Spoke("no-team", "", Effect.DENY, "no team owns the server `unknown`"),
    )


def test_a_tool_that_is_not_listed_is_denied():
    policy = compile_policy("version: 1\ndefault: allow\n")

    assessment = unlisted(call("ghost"), policy)

    assert (assessment.effect, assessment.grantable) == (Effect.DENY, False)
    assert assessment.spoke[0].rule == "unlisted-tool"


def test_a_definition_of_another_tool_does_not_pass_for_the_one_that_is_called():
    policy = compile_policy("version: 1\ndefault: allow\n")
    other = Tool("github", "get_file", "", "{}", "aa")
    finding = RiskFinding(Risk.READ, "")

    assessment = assess(
        call("push_files"), policy, tool=other, risk=finding, at=NOON, directory=DIRECTORY
    )

    assert assessment.effect is Effect.DENY
