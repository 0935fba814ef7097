"""Arguments of another type than a condition compares them with count against the call."""

from datetime import UTC, datetime

import pytest

from policies.conditions.arguments import Scope
from policies.conditions.conditions import Unevaluable, compile_condition
from policies.values.calls import JsonValue, Number

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
OTHER = "`args.x` has another type than it is compared with"


def answer(source: str, **arguments: JsonValue) -> bool | Unevaluable:
    return compile_condition(source).holds(Scope(arguments, {}, {}, NOON))


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("args.x == true", "true"),
        ("args.x == true", Number("1")),
        ("true == args.x", "yes"),
        ("args.x == 5", "5"),
        ("args.x != 5", "5"),
        ('args.x == "main"', ["main"]),
        ('args.x != "main"', ["main"]),
        ('args.x in ["main", "release"]', {"name": "main"}),
        ("has(args.x) && args.x == true", "true"),
        ("args.x == 1 || args.x == 2", True),
    ],
)
def test_what_a_server_may_take_for_the_value_is_no_answer(source: str, value: JsonValue) -> None:
    assert answer(source, x=value) == Unevaluable(OTHER)


@pytest.mark.parametrize(
    ("source", "value", "expected"),
    [
        ("args.x == true", False, False),
        ('args.x == "main"', "dev", False),
        ("args.x == true", None, False),
        ("args.x == null", "text", False),
        ('args.x in ["a", null]', None, True),
        ("args.x == 5", Number("5.0"), True),
        ('args.x == true || args.x == "true"', "no", False),
        ("args.x in [1, true]", True, True),
        ("type(args.x) == int && args.x == 5", "5", False),
        ('"b" == args.x + "c"', "a", False),
    ],
)
def test_a_value_of_a_type_that_is_expected_is_compared(
    source: str, value: JsonValue, *, expected: bool
) -> None:
    assert answer(source, x=value) is expected


def test_a_type_that_makes_no_difference_does_not_matter() -> None:
    source = 'args.mode == "delete" && args.x == true'

    assert answer(source, mode="list", x="true") is False
    assert answer(source, mode="delete", x="true") == Unevaluable(OTHER)


def test_several_of_them_are_read_otherwise_together() -> None:
    source = "args.x == true && args.options.all == true"

    assert answer(source, x="true", options={"all": "true"}) == Unevaluable(OTHER)
    assert answer(source, x=False, options={"all": "true"}) is False


def test_where_that_would_take_too_long_nothing_is_tried() -> None:
    names = ", ".join(f'"{number}"' for number in range(40))

    assert answer(f"args.x in [{names}]", x=Number("7")) == Unevaluable(OTHER)
    assert answer("args.l.all(i, i > 0) && args.x == true", l=[], x="1") == Unevaluable(OTHER)
