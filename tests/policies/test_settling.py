"""A grant lifts a call that waits for approval, if those who gave it could have approved it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.deciding.exceeding import NOTHING_USED
from policies.deciding.settling import decide, settle
from policies.people.people import Directory
from policies.risks.risk import RiskFinding
from policies.rules.decisions import Assessment, Decision, Effect, LiveGrant, Term
from policies.rules.policy import compile_policy
from policies.values.calls import Call, Risk, Tool

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WAITING = Assessment(
    agent="ci-bot",
    server="files",
    tool="write_file",
    effect=Effect.REQUIRE_APPROVAL,
    spoke=(),
    terms=(Term("platform", 1),),
    reason_required=False,
    expires_in=timedelta(minutes=30),
    use_within=timedelta(minutes=15),
    show_result=False,
    grantable=True,
    risk=Risk.WRITE,
    evidence="",
    message=None,
    policy_digest="aa",
)
GRANT = LiveGrant(
    "g1",
    "ci-bot",
    "files/write_*",
    NOON + timedelta(hours=1),
    uses_left=None,
    standing={"platform": 1},
)


def settled(assessment: Assessment, grants: Sequence[LiveGrant], at: datetime) -> Decision:
    return settle(assessment, grants, at, NOTHING_USED, freezes=())


def test_a_grant_in_force_lifts_the_call_and_is_named():
    assert settled(WAITING, [GRANT], NOON) == Decision(Effect.ALLOW, WAITING, "g1")


@pytest.mark.parametrize(
    "changes",
    [
        {"agent": "other-bot"},
        {"target": "files/read_*"},
        {"target": "github/*"},
        {"target": "files"},
        {"until": NOON},
        {"until": NOON - timedelta(seconds=1)},
        {"uses_left": 0},
        {"uses_left": -1},
        {"standing": {}},
        {"standing": {"security": 5}},
    ],
)
def test_a_grant_that_is_for_something_else_over_or_used_up_lifts_nothing(changes):
    decision = settled(WAITING, [replace(GRANT, **changes)], NOON)

    assert decision == Decision(Effect.REQUIRE_APPROVAL, WAITING, None)


def test_a_grant_holds_until_just_before_its_end():
    last = GRANT.until - timedelta(microseconds=1)

    assert settled(WAITING, [GRANT], last).effect is Effect.ALLOW
    assert settled(WAITING, [GRANT], GRANT.until).effect is Effect.REQUIRE_APPROVAL


@pytest.mark.parametrize(
    ("changes", "standing"),
    [
        ({"terms": (Term("platform", 2),)}, {"platform": 1}),
        ({"terms": (Term("platform", 1), Term("security", 1))}, {"platform": 9}),
        ({"grantable": False}, {"platform": 9}),
    ],
)
def test_a_grant_that_falls_short_of_what_the_rules_ask_lifts_nothing(changes, standing):
    decision = settled(replace(WAITING, **changes), [replace(GRANT, standing=standing)], NOON)

    assert decision.effect is Effect.REQUIRE_APPROVAL


def test_two_grants_that_each_fall_short_are_not_added_up():
    asking = replace(WAITING, terms=(Term("platform", 1), Term("security", 1)))
    grants = [GRANT, replace(GRANT, id="g2", standing={"security": 1})]

    assert settled(asking, grants, NOON).effect is Effect.REQUIRE_APPROVAL


def test_the_grant_that_ends_first_is_used_and_then_the_smaller_id():
    later = replace(GRANT, id="g0", until=GRANT.until + timedelta(hours=1))
    same = replace(GRANT, id="g2")

    assert settled(WAITING, [later, same, GRANT], NOON).grant == "g1"


def test_a_call_that_is_allowed_uses_no_grant():
    allowed = replace(WAITING, effect=Effect.ALLOW, terms=())

    assert settled(allowed, [GRANT], NOON) == Decision(Effect.ALLOW, allowed, None)


GRANTS = st.builds(
    LiveGrant,
    id=st.text(max_size=3),
    agent=st.sampled_from(["ci-bot", "other"]),
    target=st.sampled_from(["*/*", "files/*", "files/write_file", "bad", "/", ""]),
    until=st.sampled_from([NOON, NOON + timedelta(seconds=1), NOON + timedelta(days=1)]),
    uses_left=st.none() | st.integers(-1, 2),
    standing=st.dictionaries(st.sampled_from(["platform", "security"]), st.integers(0, 3)),
)
ASSESSMENTS = st.builds(
    replace,
    st.just(WAITING),
    grantable=st.booleans(),
    terms=st.sampled_from([(Term("platform", 1),), (Term("platform", 2), Term("security", 1))]),
)


@given(st.lists(GRANTS))
def test_no_grant_changes_a_denial(grants):
    denied = replace(WAITING, effect=Effect.DENY, terms=())

    assert settled(denied, grants, NOON) == Decision(Effect.DENY, denied, None)


@given(ASSESSMENTS, st.lists(GRANTS), GRANTS)
def test_a_grant_more_never_makes_a_decision_stricter(assessment, grants, another):
    if settled(assessment, grants, NOON).effect is Effect.ALLOW:
        assert settled(assessment, [*grants, another], NOON).effect is Effect.ALLOW


@given(ASSESSMENTS, st.lists(GRANTS, unique_by=lambda grant: grant.id), st.randoms())
def test_the_order_of_grants_never_matters(assessment, grants, random):
    shuffled = random.sample(grants, len(grants))

    assert settled(assessment, grants, NOON) == settled(assessment, shuffled, NOON)


@given(ASSESSMENTS, st.lists(GRANTS))
def test_a_call_lifted_by_a_grant_satisfies_every_term_of_it(assessment, grants):
    decision = settled(assessment, grants, NOON)

    if decision.grant is not None:
        assert assessment.grantable
        assert any(
            grant.id == decision.grant
            and grant.until > NOON
            and all(grant.standing.get(term.team, 0) >= term.approvals for term in assessment.terms)
            for grant in grants
        )


def test_a_call_is_assessed_and_settled_in_one():
    policy = compile_policy("version: 1\n")
    call = Call("ci-bot", "platform", None, "files", "write_file", {})
    tool = Tool("files", "write_file", "", "{}", "aa")
    finding = RiskFinding(Risk.WRITE, "")
    directory = Directory(server_teams={"files": "platform"})

    decision = decide(call, policy, [GRANT], NOON, tool=tool, risk=finding, directory=directory)

    assert (decision.effect, decision.grant) == (Effect.ALLOW, "g1")
