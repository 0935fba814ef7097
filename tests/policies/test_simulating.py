"""A candidate policy is asked about calls of the past, with what was known then."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_text import policy_of

from policies.deciding.exceeding import NOTHING_USED
from policies.deciding.settling import decide
from policies.past.past_calls import PastCall
from policies.past.simulating import Simulation
from policies.past.simulation_tally import Tally
from policies.people.people import Agent, Directory
from policies.risks.risk import classify
from policies.rules.decisions import Effect, GrantTerms, LiveGrant
from policies.rules.policy import compile_policy
from policies.values.strict_json import NotStrict, parse
from policies.values.tool_objects import tool_in

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HASH = "aa" * 32
DEFINITIONS = {
    ("files", "write_file", HASH): '{"description":"Writes a file.","name":"write_file"}'
}
DIRECTORY = Directory(server_teams={"files": "platform"})


def past(**changes):
    """Return a call of ci-bot to `files/write_file` that was allowed at noon."""
    known = {
        "id": "call_1",
        "at": NOON,
        "agent": "ci-bot",
        "team": "platform",
        "owner": "alice",
        "on_behalf_of": None,
        "server": "files",
        "tool": "write_file",
        "definition_hash": HASH,
        "arguments": '{"path":"notes.txt","token":"[hidden]"}',
        "hidden": 0,
        "redacted": False,
        "effect": Effect.ALLOW,
        "beyond": (),
        "risk": "write",
        "evidence": "the name says `write`",
        "digest": "k1:1",
        "observed": False,
    }
    return PastCall(**{**known, **changes})


def asked(rules, *calls, grants=(), directory=DIRECTORY, limits="", usage=NOTHING_USED):
    """Return what a candidate with these rules says of each call."""
    policy = compile_policy(policy_of(rules) + limits)
    simulation = Simulation(policy, directory, frozenset(), DEFINITIONS)
    return [simulation.ask(call, grants, usage) for call in calls]


def effects(rules, *calls, **world):
    """Return what each call may come to."""
    return [set(each.effects) for each in asked(rules, *calls, **world)]


def test_a_call_is_decided_by_the_candidate_with_its_arguments_agent_and_risk_of_then():
    rules = """
        {name: notes, match: {risk: write}, when: args.path == "notes.txt", effect: deny}
        {name: alices, match: {agent: ci-bot}, when: agent.owner == "alice", effect: allow}
    """

    assert effects(
        rules, past(), past(arguments='{"path":"b"}'), past(owner="bob", arguments="{}")
    ) == [{Effect.DENY}, {Effect.ALLOW}, {Effect.DENY}]


def test_a_rule_that_looks_at_the_clock_is_asked_with_the_time_of_the_call():
    rules = """
        {name: nights, when: now.getHours() < 6, effect: deny}
        {name: all, effect: allow}
    """

    assert effects(rules, past(), past(at=NOON - timedelta(hours=9))) == [
        {Effect.ALLOW},
        {Effect.DENY},
    ]


def test_a_grant_of_then_lifts_what_the_candidate_asks_approval_for():
    grant = LiveGrant("grt_1", "ci-bot", "files/*", NOON + timedelta(1), None, {"platform": 1})

    (said,) = asked("{name: all, effect: require_approval}", past(), grants=(grant,))

    assert (said.decision.grant, said.changes) == ("grt_1", False)


def test_what_rests_on_a_hidden_value_is_told_as_such():
    rules = """
        {name: tokens, when: args.token == "x", effect: deny}
        {name: all, effect: allow}
    """
    marked = '{"path":"a","token":"[hidden]"}'

    hidden, plain, redacted = asked(
        rules,
        past(arguments=marked, hidden=1),
        past(arguments='{"token":"y"}'),
        past(arguments="{}", redacted=True),
    )

    assert (hidden.effects, hidden.may_change) == ({Effect.ALLOW, Effect.DENY}, True)
    assert [doubt.name for doubt in hidden.doubts] == ["tokens"]
    assert plain.effects == {Effect.ALLOW}
    assert redacted.doubts[0].because == "its condition looks at arguments that were redacted"


def test_a_hidden_value_that_no_rule_looks_at_changes_nothing():
    rules = '{name: paths, when: args.path == "a", effect: allow}'
    marked = '{"path":"a","token":"[hidden]"}'

    assert effects(rules, past(arguments=marked, hidden=1)) == [{Effect.ALLOW}]


def test_a_server_that_no_team_owns_any_more_is_asked_as_far_as_can_be_told():
    nobody = Directory()

    rules = "{name: all, effect: allow}"
    by_team = "{name: all, effect: allow}\n{name: teams, match: {team: platform}, effect: deny}"

    assert effects(rules, past(), directory=nobody) == [{Effect.ALLOW}]
    assert effects(by_team, past(), directory=nobody) == [{Effect.ALLOW, Effect.DENY}]


@pytest.mark.parametrize(
    ("rule", "effect", "comes_to"),
    [
        ("frozen", Effect.DENY, Effect.DENY),
        ("unlisted-tool", Effect.DENY, Effect.DENY),
        ("tool-not-accepted", Effect.REQUIRE_APPROVAL, Effect.REQUIRE_APPROVAL),
    ],
)
def test_what_spoke_beside_the_policy_still_speaks(rule, effect, comes_to):
    call = past(beyond=((rule, effect),), effect=comes_to)

    assert effects("{name: all, effect: allow}", call) == [{comes_to}]


def test_a_tool_that_nobody_declared_is_never_allowed_by_the_candidate_alone():
    call = past(definition_hash="", risk="destructive", effect=Effect.REQUIRE_APPROVAL)

    assert effects("{name: all, effect: allow}", call) == [{Effect.REQUIRE_APPROVAL}]


def test_changes_are_counted_by_effects_rule_and_tool_with_examples():
    rules = """
        {name: notes, when: args.path == "notes.txt", effect: deny}
        {name: all, effect: allow}
    """
    tally = Tally()
    for said in asked(
        rules, *(past(id=f"call_{n}") for n in range(5)), past(arguments='{"path":"b"}')
    ):
        tally.take(said)

    ((change, group),) = tally.changed.items()
    assert (tally.calls, tally.changes, tally.may_change) == (6, 5, 0)
    assert (change.before, change.after, change.rule, change.tool) == (
        "allow",
        "deny",
        "notes",
        "files/write_file",
    )
    assert (group.calls, group.examples) == (5, ["call_0", "call_1", "call_2"])


SUMS = (
    "limits: [{name: sums, match: {tool: write_file}, sum: args.n, at_most: 10, within: 1h,"
    " per: agent, effect: deny}]\n"
)


def test_a_limit_without_room_speaks_and_an_amount_that_is_hidden_is_told_as_such():
    small, large, missing, hidden = asked(
        "{name: all, effect: allow}",
        past(arguments='{"n":9}'),
        past(arguments='{"n":11}'),
        past(arguments="{}"),
        past(arguments='{"n":"[hidden]"}', hidden=1),
        limits=SUMS,
    )

    assert [set(each.effects) for each in (small, large, missing)] == [
        {Effect.ALLOW},
        {Effect.DENY},
        {Effect.DENY},
    ]
    assert hidden.effects == {Effect.ALLOW, Effect.DENY}
    assert [doubt.name for doubt in hidden.doubts] == ["sums"]


def test_what_a_grant_asks_of_arguments_is_asked_of_those_that_are_kept():
    terms = GrantTerms("args.n < 3", None)
    grant = LiveGrant(
        "grt_1", "ci-bot", "*/*", NOON + timedelta(1), None, {"platform": 1}, terms=terms
    )

    small, large, hidden = asked(
        "{name: all, effect: require_approval}",
        past(arguments='{"n":2}'),
        past(arguments='{"n":3}'),
        past(arguments='{"n":"[hidden]"}', hidden=1),
        grants=(grant,),
    )

    assert (set(small.effects), set(large.effects)) == ({Effect.ALLOW}, {Effect.REQUIRE_APPROVAL})
    assert hidden.effects == {Effect.ALLOW, Effect.REQUIRE_APPROVAL}


SEEN = """
    {name: main, when: args.branch == "main", effect: require_approval}
    {name: many, when: args.amount > 100, effect: deny}
    {name: deep, when: args.card.number == "x", effect: deny}
    {name: given, when: has(args.note), effect: require_approval}
    {name: sent, when: args.path.startsWith("/etc"), effect: require_approval}
    {name: rest, match: {risk: write}, effect: allow}
"""
LOOPS = (
    SEEN
    + """
    {name: tags, when: 'args.tags.exists(tag, tag == "x")', effect: deny}
"""
)
WHOLE = (
    SEEN
    + """
    {name: few, when: size(args) > 2, effect: deny}
"""
)
SPENT = """
limits:
  - {name: spent, sum: args.amount, at_most: 50, within: 1h, effect: require_approval}
  - {name: twice, sum: args.amount * 2, when: args.branch != "free", at_most: 50, within: 1h,
     effect: deny}
"""
values = st.one_of(
    st.sampled_from(
        ["1", "51", "101", "1.5", "-3", "1e2", "0.1000000000000000055", "99999999999999999999"]
    ),
    st.sampled_from(['"main"', '"free"', '"/etc/x"', "null", "true", '"\\u00e9"', '"[1"']),
    st.sampled_from(
        ["[]", '["x"]', "{}", '{"number":"x"}', '{"number":1e400}', "[" * 95 + "]" * 95]
    ),
    st.just("[" + ",".join(["1"] * 1001) + "]"),
)
names = st.sampled_from(["branch", "amount", "card", "note", "path", "tags", "other"])


@pytest.mark.parametrize("rules", [SEEN, LOOPS, WHOLE])
@settings(max_examples=40)
@given(st.lists(st.dictionaries(names, values), min_size=1, max_size=4))
def test_a_past_call_is_decided_like_the_call_itself(rules, calls):
    policy = compile_policy(policy_of(rules) + SPENT)
    simulation = Simulation(policy, DIRECTORY, frozenset(), DEFINITIONS)
    tool = tool_in("files", "write_file", DEFINITIONS["files", "write_file", HASH], HASH)
    agents = {"ci-bot": Agent("ci-bot", "platform", "alice")}
    directory = Directory(agents=agents, server_teams=DIRECTORY.server_teams)

    for number, call in enumerate(calls):
        text = "{" + ",".join(f'"{name}":{value}' for name, value in call.items()) + "}"
        kept = past(id=f"call_{number}", arguments=text)
        try:
            arguments = parse(text.encode())
        except NotStrict:
            assert simulation.ask(kept, (), NOTHING_USED).doubts
            continue
        decision = decide(
            kept.with_arguments(arguments),
            policy,
            (),
            NOON,
            tool=tool,
            risk=classify(tool, trusted=False, overrides=()),
            directory=directory,
        )

        assert simulation.ask(kept, (), NOTHING_USED).decision == decision
