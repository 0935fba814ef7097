"""Intercept's counters stop as many calls as imported limits do, or fewer."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from intercept_reference import Engine

from policies.deciding.settling import decide
from policies.deciding.taking import Taken
from policies.intercept.importing import Written, imported
from policies.people.people import Agent, Directory, Team
from policies.risks.risk import RiskFinding
from policies.rules.decisions import Assessment, Effect
from policies.rules.policy import Policy, compile_policy
from policies.values.calls import Call, Risk, Tool
from policies.values.strict_json import parse

MIDNIGHT = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
DIRECTORY = Directory(
    teams={"platform": Team("platform", "C1", ("bob",))},
    agents={"ci-bot": Agent("ci-bot", "platform", "alice")},
    server_teams={"bank": "platform"},
)


@dataclass
class Book(Taken):
    """What calls took of limits, as the ledger keeps it: each call once of what several share."""

    calls: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def take_for(self, assessment: Assessment, at: datetime) -> None:
        self.calls += 1
        for charge in assessment.charges:
            assert charge.amount is not None
            self.take(charge.bucket, f"call_{self.calls}", charge.amount, at, at + charge.within)


def decided(policy: Policy, book: Book, tool: str, arguments: str, at: datetime) -> Effect:
    """Return the decision on a call; one that is allowed takes its part of the limits."""
    decision = decide(
        Call("ci-bot", "platform", None, "bank", tool, parse(arguments.encode())),
        policy,
        (),
        at,
        tool=Tool("bank", tool, "", "{}", "aa"),
        risk=RiskFinding(Risk.WRITE, ""),
        directory=DIRECTORY,
        usage=book,
    )
    if decision.effect is Effect.ALLOW:
        book.take_for(decision.assessment, at)
    return decision.effect


def policy_for(source: dict[str, object]) -> Policy:
    return compile_policy(imported([Written("bank.yaml", json.dumps(source), "bank")]).text)


def source_of(tools: dict[str, list[dict[str, object]]]) -> dict[str, object]:
    return {"version": "1", "tools": {name: {"rules": rules} for name, rules in tools.items()}}


def allowed(rule: dict[str, object], amounts: list[object]) -> list[bool]:
    """Say which of calls with these amounts are allowed, one a second from midnight on."""
    policy, book = policy_for(source_of({"pay": [{"name": "r", **rule}]})), Book()
    return [
        decided(
            policy, book, "pay", json.dumps({"amount": amount}), MIDNIGHT + timedelta(seconds=n)
        )
        is Effect.ALLOW
        for n, amount in enumerate(amounts)
    ]


def counter(op: str, value: object, *more: dict[str, object], **state: object) -> dict[str, object]:
    conditions = [{"path": "state.pay.c", "op": op, "value": value}]
    conditions += [{"path": "state.pay.c", **each} for each in more]
    return {"conditions": conditions, "state": {"counter": "c", "window": "day", **state}}


@pytest.mark.parametrize(
    ("rule", "calls"),
    [
        ({"rate_limit": "3/minute"}, 3),
        (counter("lte", 3), 3),
        (counter("lt", 3), 2),  # Intercept's limit of `lt 3` is 2, counted after the call
        (counter("lte", 2.9), 2),
        (counter("lte", 7, increment=3), 2),
        (counter("lte", 0), 0),
        (counter("lte", 5, {"op": "lte", "value": 1}), 2),  # looked at before it is raised
        (counter("lte", 5, {"op": "neq", "value": 2}), 2),
        (counter("lte", 5, {"op": "eq", "value": "0"}), 1),
        (counter("lte", 5, {"op": "in", "value": [0, 1, "2"]}), 3),
        (counter("lte", 5, {"op": "not_in", "value": [4, 1]}), 1),
        (counter("lte", 5, {"op": "gte", "value": 0}, {"op": "exists", "value": True}), 5),
        (counter("lte", 5, {"op": "gt", "value": 0}), 0),
        (counter("lte", 5, {"op": "contains", "value": "1"}), 0),
        (counter("gte", 0), 7),  # nothing raises it
        (counter("neq", 0), 0),
    ],
)
def test_a_counter_lets_as_many_calls_through_as_in_the_source(rule, calls):
    assert allowed(rule, [1] * 7) == [n < calls for n in range(7)]


def test_a_sum_counts_exactly_and_nothing_lowers_it():
    rule = counter("lte", 100, increment_from="args.amount")

    assert allowed(rule, [60, -50, 40.5, "1", 39.5, 0.6, None, 0.5]) == [
        True, False, False, False, True, False, False, True,
    ]  # fmt: skip


def test_calls_of_all_tools_count_together_under_a_star():
    policy, book = policy_for(source_of({"*": [{"name": "r", "rate_limit": "2/hour"}]})), Book()

    effects = [decided(policy, book, tool, "{}", MIDNIGHT) for tool in ("pay", "refund", "ask")]

    assert effects == [Effect.ALLOW, Effect.ALLOW, Effect.DENY]


def test_around_the_turn_of_the_clock_no_more_calls_pass_than_in_any_window():
    policy, book = policy_for(source_of({"pay": [{"name": "r", "rate_limit": "2/minute"}]})), Book()

    effects = [
        decided(policy, book, "pay", "{}", MIDNIGHT + timedelta(seconds=seconds))
        for seconds in (50, 55, 61, 109, 110, 116)
    ]

    assert [effect is Effect.ALLOW for effect in effects] == [True, True, False, False, True, True]


BOUNDS = st.one_of(
    st.fixed_dictionaries(
        {
            "op": st.sampled_from(["lt", "lte", "gt", "gte", "eq", "neq"]),
            "value": st.sampled_from([-1, 0, 1, 2, 3, 2.5, 4.0, 6]),
        }
    ),
    st.fixed_dictionaries(
        {
            "op": st.sampled_from(["in", "not_in"]),
            "value": st.lists(st.sampled_from([0, 1, 2, "3", 4]), max_size=3),
        }
    ),
    st.fixed_dictionaries({"op": st.just("exists"), "value": st.booleans()}),
)


@st.composite
def counting(draw: st.DrawFn, scope: str) -> list[dict[str, object]]:
    """Draw the rules of one tool: counters of their own, and conditions on these."""
    rules: list[dict[str, object]] = []
    for number in range(draw(st.integers(0, 2))):
        if draw(st.booleans()):
            window = ["minute", "hour"][number]
            rules.append({"name": "r", "rate_limit": f"{draw(st.integers(1, 3))}/{window}"})
            continue
        path = f"state.{scope}.c{number}"
        bounds = draw(st.lists(BOUNDS, min_size=1, max_size=2))
        state = {"counter": f"c{number}", "window": draw(st.sampled_from(["minute", "hour"]))}
        state |= {"increment": draw(st.integers(0, 3))} if draw(st.booleans()) else {}
        conditions = [{"path": path, **bound} for bound in bounds]
        if draw(st.booleans()):
            conditions.append({"path": "args.n", "op": "lte", "value": 3})
        rules.append({"name": "c", "conditions": conditions, "state": state})
    return rules


SOURCES = st.fixed_dictionaries(
    {"pay": counting("pay"), "refund": counting("refund"), "*": counting("_global")}
).map(source_of)
CALLS = st.lists(
    st.tuples(
        st.sampled_from(["pay", "refund"]),
        st.sampled_from(['{"n": 1}', '{"n": 5}', "{}"]),
        st.sampled_from([0, 1, 20, 45, 61, 3000]),
    ),
    max_size=12,
)


@given(source=SOURCES, calls=CALLS)
def test_no_call_is_allowed_that_the_source_would_stop_after_the_same_calls(source, calls):
    policy, book, engine, at = policy_for(source), Book(), Engine(source), MIDNIGHT

    for tool, arguments, seconds in calls:
        at += timedelta(seconds=seconds)
        theirs = Engine(source, dict(engine.counters)).decide(tool, arguments, at)
        ours = decided(policy, book, tool, arguments, at)
        if ours is Effect.ALLOW:
            assert theirs == "allow"
            engine.ran(tool, arguments, at)


SHARED = source_of(
    {
        "*": [
            {
                "name": "c",
                "conditions": [{"path": "state._global.c0", "op": "lt", "value": 3}],
                "state": {"counter": "c0", "window": "hour"},
            },
            {"name": "r", "rate_limit": "2/hour"},
        ]
    }
)
"""Two rules that count the same."""


@example(source=SHARED, calls=[("pay", "{}")] * 4)
@given(source=SOURCES, calls=CALLS.map(lambda calls: [each[:2] for each in calls]))
def test_within_one_window_exactly_the_calls_of_the_source_are_allowed(source, calls):
    policy, book, engine = policy_for(source), Book(), Engine(source)

    for seconds, (tool, arguments) in enumerate(calls):
        at = MIDNIGHT + timedelta(seconds=seconds)
        theirs = engine.decide(tool, arguments, at)
        assert decided(policy, book, tool, arguments, at).value == theirs


AMOUNTS = st.sampled_from([0, 1, 2, 3, 10, 2.5, -1, "3", None])


@given(
    limit=st.sampled_from([("lte", 5), ("lt", 5), ("lte", 4.5), ("lte", -1), ("lte", 0)]),
    second=st.none() | st.sampled_from([("lte", 2), ("lt", 3), ("gte", 0), ("gt", -1), ("gt", 0)]),
    amounts=st.lists(AMOUNTS, max_size=8),
)
def test_no_sum_grows_beyond_what_the_source_would_let_it(limit, second, amounts):
    more = [{"op": second[0], "value": second[1]}] if second else []
    rule = {"name": "r", **counter(limit[0], limit[1], *more, increment_from="args.amount")}
    source = source_of({"pay": [rule]})
    policy, book, engine = policy_for(source), Book(), Engine(source)

    for amount in amounts:
        arguments = json.dumps({"amount": amount})
        theirs = Engine(source, dict(engine.counters)).decide("pay", arguments, MIDNIGHT)
        if decided(policy, book, "pay", arguments, MIDNIGHT) is Effect.ALLOW:
            assert theirs == "allow"
            engine.ran("pay", arguments, MIDNIGHT)
