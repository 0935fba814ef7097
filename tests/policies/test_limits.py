"""Limits only ever make a decision stricter, in no order, and hostile amounts lower no sum."""

import json
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.deciding.assessment import assess
from policies.deciding.settling import decide, settle
from policies.deciding.taking import Taken
from policies.people.people import Agent, Directory
from policies.risks.risk import RiskFinding
from policies.rules.decisions import STRICTNESS, Assessment, Effect
from policies.rules.policy import Policy, compile_policy
from policies.values.calls import Call, JsonValue, Number, Risk, Tool
from policies.values.strict_json import NotStrict, parse

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DIRECTORY = Directory(
    agents={"ci-bot": Agent("ci-bot", "platform", "alice")}, server_teams={"shop": "finance"}
)
REFUND = Tool("shop", "create_refund", "", "{}", "")
RISK = RiskFinding(Risk.FINANCIAL, "by name")
SPENDING = """\
version: 1
rules: [{name: all, effect: allow}]
limits: [{name: refunds, sum: args.amount, at_most: 100, within: 24h}]
"""


def call(arguments: dict[str, JsonValue], agent: str = "ci-bot", **changes: str) -> Call:
    known = {"team": "platform", "on_behalf_of": None, "server": "shop", "tool": "create_refund"}
    return Call(agent=agent, arguments=arguments, **{**known, **changes})  # type: ignore[arg-type]


@lru_cache
def compiled(text: str) -> Policy:
    return compile_policy(text)


def assessed(text: str, arguments: dict[str, JsonValue], **changes: str) -> Assessment:
    asked = call(arguments, **changes)
    tool = Tool(asked.server, asked.tool, "", "{}", "")
    policy = compiled(text)
    return assess(asked, policy, tool=tool, risk=RISK, at=NOON, directory=DIRECTORY)


def take(taken: Taken, assessment: Assessment, name: str) -> Effect:
    """Settle a call, and count what it takes where it runs."""
    effect = settle(assessment, (), NOON, taken, freezes=()).effect
    for charge in assessment.charges if effect is Effect.ALLOW else ():
        assert charge.amount is not None, "no limit has room for what cannot be told"
        taken.take(charge.bucket, name, charge.amount, NOON, NOON + charge.within)
    return effect


NUMBERS = st.one_of(
    st.integers(-(10**40), 10**40).map(str),
    st.decimals(-200, 200, places=20).map(lambda each: f"{each:f}"),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.tuples(st.integers(-99, 99), st.integers(-400, 400)).map(lambda e: f"{e[0]}e{e[1]}"),
    st.sampled_from(["-0", "-0.0", "0e99", "1E+2", "1e-30", "1e-31", "-1e-300", "100.0000"]),
)
ARGUMENTS = st.one_of(
    NUMBERS.map(lambda number: f'{{"amount":{number}}}'),
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=5) | st.floats(allow_nan=False),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=4,
    ).map(lambda value: json.dumps({"amount": value})),
    st.just("{}"),
)


@given(st.lists(ARGUMENTS, max_size=30))
def test_no_amount_ever_lowers_a_sum_or_takes_it_beyond_the_limit(bodies) -> None:
    taken, before = Taken(), Decimal(0)
    for number, body in enumerate(bodies):
        try:
            arguments = parse(body.encode())
        except NotStrict:
            continue
        assert isinstance(arguments, dict)
        assessment = assessed(SPENDING, arguments)
        (charge,) = assessment.charges
        take(taken, assessment, f"call_{number}")
        now = taken.used(charge.bucket, NOON)

        assert before <= now <= 100
        before = now


@given(st.lists(st.decimals(0, 60, places=6), max_size=20), st.randoms())
def test_the_order_of_calls_that_fit_together_changes_no_sum(amounts, order) -> None:
    shuffled = list(amounts)
    order.shuffle(shuffled)
    text = SPENDING.replace("at_most: 100", "at_most: 10000")
    sums = []
    for each in (amounts, shuffled):
        taken = Taken()
        for number, amount in enumerate(each):
            assessment = assessed(text, {"amount": Number(f"{amount:f}")})
            assert take(taken, assessment, f"call_{number}") is Effect.ALLOW
        (charge,) = assessed(text, {"amount": Number("0")}).charges
        sums.append(taken.used(charge.bucket, NOON))

    assert sums == [sum(amounts, Decimal(0))] * 2


RULES = st.lists(st.sampled_from(list(Effect)), max_size=3)
LIMITS = st.lists(
    st.tuples(
        st.sampled_from(["deny", "require_approval"]),
        st.sampled_from(["", "sum: args.amount, ", "when: args.amount > 5, "]),
        st.sampled_from(["", "per: agent, ", "per: [person, tool], "]),
        st.integers(0, 3),
        st.sampled_from(["", "approval: {team: security, approvals: 2}, "]),
    ),
    max_size=4,
)


def written(rules: list[Effect], limits: list[tuple[str, str, str, int, str]]) -> str:
    lines = ["version: 1", "rules:" if rules else "rules: []"]
    lines += [f"  - {{name: r{n}, effect: {effect.value}}}" for n, effect in enumerate(rules)]
    lines.append("limits:" if limits else "limits: []")
    for number, (effect, counts, per, most, asks) in enumerate(limits):
        asked = asks if effect == "require_approval" else ""
        lines.append(
            f"  - {{name: l{number}, {counts}{per}{asked}at_most: {most}, within: 1h, "
            f"effect: {effect}}}"
        )
    return "\n".join(lines) + "\n"


@given(RULES, LIMITS, LIMITS, st.integers(0, 9), st.integers(0, 5))
def test_a_limit_more_never_loosens_a_decision(rules, limits, more, amount, before) -> None:
    def decided(text: str) -> Assessment:
        taken = Taken()
        assessment = assessed(text, {"amount": Number(str(amount))})
        for charge in assessment.charges:
            taken.take(charge.bucket, "before", Decimal(before), NOON, NOON + timedelta(hours=1))
        return settle(assessment, (), NOON, taken, freezes=()).assessment

    few, many = decided(written(rules, limits)), decided(written(rules, [*limits, *more]))

    assert STRICTNESS[many.effect] >= STRICTNESS[few.effect]
    if many.effect is Effect.REQUIRE_APPROVAL and few.effect is many.effect:
        asked = {term.team: term.approvals for term in many.terms}
        assert all(asked[term.team] >= term.approvals for term in few.terms)
        assert many.expires_in <= few.expires_in


@given(RULES, LIMITS, st.integers(0, 9))
def test_the_order_of_limits_changes_no_decision(rules, limits, amount) -> None:
    text = written(rules, limits)
    *head, marker = text.partition("limits:\n")[:2]
    lines = text.partition("limits:\n")[2].splitlines()
    shuffled = "".join([*head, marker, *(f"{x}\n" for x in random.sample(lines, len(lines)))])

    decisions = [
        settle(assessed(each, {"amount": Number(str(amount))}), (), NOON, Taken(), freezes=())
        for each in (text, shuffled)
    ]

    assert [d.effect for d in decisions] == [decisions[0].effect] * 2
    assert decisions[0].assessment.terms == decisions[1].assessment.terms
    spoke = [{(s.rule, s.because) for s in d.assessment.spoke} for d in decisions]
    assert spoke[0] == spoke[1]


@pytest.mark.parametrize(
    ("per", "other", "apart"),
    [
        ("agent", {"agent": "other-bot"}, True),
        ("agent", {"tool": "other_tool"}, False),
        ("team", {"team": "security"}, True),
        ("team", {"agent": "other-bot"}, False),
        ("person", {"on_behalf_of": "bob"}, True),
        ("person", {"agent": "other-bot"}, False),
        ("tool", {"tool": "other_tool"}, True),
        ("[agent, tool]", {"tool": "other_tool"}, True),
    ],
)
def test_a_limit_counts_apart_for_what_it_names(per, other, apart) -> None:
    text = SPENDING.replace("name: refunds", f"name: refunds, per: {per}")

    (one,) = assessed(text, {"amount": Number("1")}).charges
    (two,) = assessed(text, {"amount": Number("1")}, **other).charges

    assert (one.bucket != two.bucket) is apart


def test_what_is_counted_has_the_same_name_for_ever() -> None:
    (charge,) = assessed(SPENDING, {"amount": Number("1")}).charges

    assert (charge.meter, charge.bucket) == (
        "5cf55a8985e38c16",
        "5cf55a8985e38c16-4f53cda18c2baa0c",
    )


def test_a_call_without_limits_carries_nothing() -> None:
    assessment = assessed("version: 1\n", {"amount": Number("1")})

    assert assessment.charges == ()
    assert settle(assessment, (), NOON, Taken(), freezes=()).assessment is assessment


def test_an_expression_counts_as_cel_does() -> None:
    text = SPENDING.replace("sum: args.amount", "sum: args.amount * args.count")

    (charge,) = assessed(text, {"amount": Number("3"), "count": Number("4")}).charges
    (flawed,) = assessed(text, {"amount": Number("3")}).charges
    (negative,) = assessed(text, {"amount": Number("3"), "count": Number("-4")}).charges

    assert charge.amount == 12
    assert (flawed.amount, flawed.obstacle) == (None, "`count` is missing")
    assert (negative.amount, negative.obstacle) == (None, "what it sums is negative")


def test_deciding_a_call_alone_begins_with_nothing_taken() -> None:
    decision = decide(
        call({"amount": Number("101")}),
        compile_policy(SPENDING),
        (),
        NOON,
        tool=REFUND,
        risk=RISK,
        directory=DIRECTORY,
    )

    assert decision.effect is Effect.DENY
    assert decision.assessment.spoke[0].because == (
        "0 of at most 100 taken within 1d; the call adds 101"
    )
