"""Conditions that are proposed for the arguments of a call, and those that people write."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.checking.argument_conditions import condition_problem, holds, proposal
from policies.conditions.arguments import Scope
from policies.conditions.conditions import Unevaluable
from policies.values.inert import inert

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SCOPE = Scope({}, {"tool": "push_files"}, {"name": "ci-bot"}, NOW)


@pytest.mark.parametrize(
    ("arguments", "proposed"),
    [
        ('{"branch":"main","force":true}', 'args.branch == "main" && args.force == true'),
        ('{"amount":12.50,"in":-3}', 'args.amount == 12.50 && args["in"] == -3'),
        ('{"a b":"x\\"y"}', 'args["a b"] == "x\\"y"'),
        ('{"password":"[hidden]","to":"Bearer [hidden]"}', ""),
        ('{"list":[1],"map":{},"none":null}', ""),
        ('{"text":"' + "x" * 201 + '"}', ""),
        ('{"a":"\u202e"}', 'args.a == "\\U0000202e"'),
        ("[]", ""),
    ],
)
def test_what_can_be_bound_honestly_is_proposed(arguments, proposed) -> None:
    assert proposal(arguments) == proposed


def test_not_more_than_fits_is_proposed() -> None:
    arguments = json.dumps({f"key{number:03}": "x" * 100 for number in range(50)})

    assert len(proposal(arguments)) <= 900
    assert condition_problem(proposal(arguments)) is None


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("args.a ==", "not a condition"),
        ("agrs.a == 1", "there is no `agrs`"),
        ("1 + 1", "neither true nor false"),
        ('args.a == "\u202e"', "cannot be seen"),
        ('args.token == "ghp_16C7e42F292c6912E7710c838347Ae178B4a"', "a secret"),
        ("x" * 1_001, "1 to 1000 characters"),
        (" ", "1 to 1000 characters"),
    ],
)
def test_what_is_no_condition_is_said(when, said) -> None:
    assert said in (condition_problem(when) or "")


def test_whether_the_call_itself_meets_it_can_be_told_beforehand() -> None:
    assert holds('args.branch == "main"', '{"branch":"main"}', SCOPE) is True
    assert holds('args.branch == "main"', '{"branch":"other"}', SCOPE) is False
    assert isinstance(holds("args.brnch == 1", '{"branch":"main"}', SCOPE), Unevaluable)


@given(
    st.dictionaries(
        st.text(max_size=12),
        st.text(max_size=30) | st.integers(-(2**63) + 1, 2**63 - 1) | st.booleans(),
        max_size=6,
    )
)
@settings(deadline=None, max_examples=60)
def test_what_is_proposed_holds_of_the_call_and_shows_all_it_says(members) -> None:
    if len({key.casefold() for key in members}) != len(members):
        return
    arguments = json.dumps(members, ensure_ascii=False)
    try:
        when = proposal(arguments)
    except ValueError:  # keys that strict parsing takes for one another
        return

    assert inert(when, multiline=True) == when
    if when:
        assert condition_problem(when) is None
        assert holds(when, arguments, SCOPE) is True
