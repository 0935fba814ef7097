"""What holds of every decision, over generated policies and calls."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from generated_policies import AGENTS, SERVERS, TEAMS, TOOLS, named, policies, rules, some
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from policies.deciding.assessment import STRICTNESS
from policies.deciding.settling import decide
from policies.people.people import Agent, Directory
from policies.risks.risk import RiskFinding
from policies.rules.bundles import Bundle
from policies.rules.decisions import Decision, Effect, LiveGrant
from policies.rules.policy import compile_policy
from policies.values.calls import Call, Number, Risk, Tool

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
DIRECTORY = Directory(
    agents={"ci": Agent("ci", "platform", "alice")},
    server_teams={"files": "platform", "github": "security"},
)


def compiled(written, included=None):
    """Compile a policy that is written as JSON, which is YAML too."""
    if included is None:
        return compile_policy(json.dumps(written))
    whole = {**written, "include": {"github": "github.yaml"}}
    return compile_policy(Bundle(json.dumps(whole), {"github.yaml": json.dumps(included)}).text)


NUMBERS = some("0", "-1", "11", "1e400", "0.1", "1.0", "9" * 400, "100.00000000000000000001").map(
    Number
)
SCALARS = st.none() | st.booleans() | NUMBERS | some("main", "/srv/a", "/srv/../b") | st.text()
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
CALLS = st.builds(
    Call,
    agent=some(*AGENTS),
    team=some(*TEAMS),
    on_behalf_of=some(None, "bob"),
    server=some(*SERVERS),
    tool=some(*TOOLS),
    arguments=st.dictionaries(
        some("branch", "n", "path", "l", "dry") | st.text(), JSON, max_size=5
    ),
    extras=st.just({}),
)
GRANTS = st.builds(
    LiveGrant,
    id=some("g1", "g2"),
    agent=some(*AGENTS),
    target=some("files/*", "*/push_*", "*/*"),
    until=some(NOON + timedelta(hours=1), NOON),
    uses_left=some(None, 0, 1),
    standing=st.dictionaries(some(*TEAMS), st.integers(0, 3)),
)
RISKS = some(Risk.READ, Risk.WRITE, Risk.DESTRUCTIVE)
AT = some(NOON, NOON + timedelta(hours=3))


def decided(call, policy, risk, at, grants=()) -> Decision:
    return decide(
        call,
        policy,
        grants,
        at,
        tool=Tool(call.server, call.tool, "", "{}", ""),
        risk=RiskFinding(risk, "so it is"),
        directory=DIRECTORY,
    )


def strictness(decision):
    return STRICTNESS[decision.effect]


def told(decision):
    """Return what people see of a decision, places in the file aside."""
    assessment = replace(decision.assessment, policy_digest="", spoke=())
    spoke = [(each.rule, each.effect, each.because) for each in decision.assessment.spoke]
    return decision.effect, decision.grant, assessment, spoke


@given(policies(), CALLS, RISKS, AT, st.lists(GRANTS, max_size=2))
def test_every_call_is_decided_and_always_the_same(written, call, risk, at, grants):
    policy = compiled(written)

    first = decided(call, policy, risk, at, grants)

    assert isinstance(first, Decision)
    assert decided(call, policy, risk, at, grants) == first
    assert decided(call, compiled(written), risk, at, grants) == first


@given(policies(), CALLS, RISKS, AT, st.lists(GRANTS, max_size=2), st.randoms())
def test_the_order_of_what_is_written_never_matters(written, call, risk, at, grants, random):
    shuffled = dict(written, rules=random.sample(written["rules"], len(written["rules"])))
    if "owners" in written:
        shuffled["owners"] = dict(reversed(written["owners"].items()))

    one, other = compiled(written), compiled(shuffled)

    assert told(decided(call, one, risk, at, grants)) == told(
        decided(call, other, risk, at, grants)
    )


@given(policies(), rules(effects=("require_approval", "deny")), CALLS, RISKS, AT, st.lists(GRANTS))
def test_a_restricting_rule_more_never_loosens_a_call_that_a_rule_covers(
    written, another, call, risk, at, grants
):
    before = decided(call, compiled(written), risk, at, grants)
    assume(all(spoke.rule != "default" for spoke in before.assessment.spoke))

    more = {**written, "rules": [*written["rules"], {"name": "another", **another}]}
    after = decided(call, compiled(more), risk, at, grants)

    assert strictness(after) >= strictness(before)
    if after.effect is before.effect is Effect.REQUIRE_APPROVAL:
        asked = {term.team: term.approvals for term in after.assessment.terms}
        assert all(asked.get(term.team, 0) >= term.approvals for term in before.assessment.terms)
        assert after.assessment.expires_in <= before.assessment.expires_in
        assert after.assessment.use_within <= before.assessment.use_within
        assert after.assessment.reason_required >= before.assessment.reason_required


@given(policies(), CALLS, RISKS, AT, st.lists(GRANTS, max_size=2), GRANTS)
def test_a_grant_more_never_changes_a_denial(written, call, risk, at, grants, another):
    policy = compiled(written)
    without = decided(call, policy, risk, at, grants)

    given_more = decided(call, policy, risk, at, [*grants, another])

    assert (given_more.effect is Effect.DENY) == (without.effect is Effect.DENY)
    if without.effect is Effect.DENY:
        assert given_more == without


@given(policies(), st.lists(rules(), max_size=2), CALLS, RISKS, AT, st.lists(GRANTS, max_size=2))
def test_the_rules_a_decision_names_suffice_to_come_to_it(
    written, included, call, risk, at, grants
):
    policy = compiled(written, _github(included))
    decision = decided(call, policy, risk, at, grants)

    spoke = {each.pointer for each in decision.assessment.spoke}
    named = policy.with_rules(rule for rule in policy.rules if rule.pointer in spoke)

    assert decided(call, named, risk, at, grants) == decision


@given(policies(), st.lists(rules(), max_size=3), CALLS, RISKS, AT)
@settings(max_examples=40)
def test_a_file_that_is_included_for_a_server_changes_nothing_at_others(
    written, included, call, risk, at
):
    elsewhere = call._replace(server="files")

    alone = decided(elsewhere, compiled(written), risk, at)
    together = decided(elsewhere, compiled(written, _github(included)), risk, at)

    assert told(together) == told(alone)


def _github(listed):
    return {
        "version": 1,
        "default": "deny",
        "rules": named([_there(rule) for rule in listed], "i"),
    }


def _there(rule):
    match = {key: value for key, value in rule["match"].items() if key != "server"}
    return {**rule, "match": match}
