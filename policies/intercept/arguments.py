"""Turns Intercept's conditions on arguments into conditions of rules, in CEL.

Intercept's conditions say what must hold, and a rule denies where they do not. So a requirement
becomes the condition under which a rule denies. Where an argument is missing or of another type,
Intercept's answer is "does not hold": CEL has no answer then, and a rule that restricts covers
the call. Both deny.

Under `require_approval` the same conditions say when to ask, and "does not hold" would let the
call pass. There, what cannot be evaluated asks.
"""

import re
from dataclasses import dataclass
from typing import assert_never

from policies.intercept.patterns import translated
from policies.intercept.shape import ConditionSection
from policies.intercept.values import (
    EXACT,
    Equal,
    Incomparable,
    equal_to,
    fitting,
    is_number,
    literal,
    number_literal,
)

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = frozenset(
    (
        "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import",
        "in", "let", "loop", "namespace", "null", "package", "return", "true", "var", "void",
        "while",
    )
)  # fmt: skip
_SIGNS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_OPPOSITE = {"lt": ">=", "lte": ">", "gt": "<=", "gte": "<"}


@dataclass(frozen=True)
class Carried:
    """A condition in CEL, and in what it is stricter than the source; None where it is equal."""

    cel: str
    stricter: str | None = None


def term(path: str) -> str:
    """Return the CEL that reads what `path` (without `args.`) means."""
    return "args" + "".join(
        f".{key}" if _plain(key) else f"[{literal(key)}]" for key in path.split(".")
    )


def _plain(key: str) -> bool:
    return _NAME.fullmatch(key) is not None and key not in _RESERVED


def denied_when(condition: ConditionSection, path: str) -> Carried:
    """Return when the requirement on `path` (without `args.`) is not met.

    Raises Incomparable and Untranslatable for what cannot be carried over.
    """
    read = term(path)
    match condition.op:
        case "exists":
            return Carried(_existing(path, there=not _wanted(condition.value)))
        case "lt" | "lte" | "gt" | "gte":
            return Carried(_ordered(read, _OPPOSITE[condition.op], condition.value))
        case "eq":
            equal = equal_to(condition.value)
            return Carried(_unequal(read, [equal]), _lists(equal))
        case "neq":
            equal = equal_to(condition.value)
            return Carried(_among(read, [equal], doubtful=True), _lists(equal))
        case "in":
            equals = [equal_to(each) for each in _elements(condition.value)]
            return Carried(_unequal(read, equals) if equals else "true", _lists(*equals))
        case "not_in":
            equals = [equal_to(each) for each in _elements(condition.value)]
            among = _among(read, equals, doubtful=True) if equals else _missing(path)
            return Carried(among, _lists(*equals))
        case "regex":
            return Carried(f"!{_matching(read, condition.value)}")
        case "contains":
            return _not_containing(read, condition.value)
    assert_never(condition.op)


def asked_when(condition: ConditionSection, path: str) -> Carried:
    """Return when the trigger on `path` (without `args.`) asks for approval.

    Raises Incomparable and Untranslatable for what cannot be carried over.
    """
    read = term(path)
    stricter = "where the argument is missing or of another type, people are asked"
    match condition.op:
        case "exists":
            return Carried(_existing(path, there=_wanted(condition.value)))
        case "lt" | "lte" | "gt" | "gte":
            return Carried(_ordered(read, _SIGNS[condition.op], condition.value), stricter)
        case "eq":
            equals = [equal_to(condition.value)]
            return Carried(_among(read, equals, doubtful=True), stricter)
        case "neq":
            return Carried(_unequal(read, [equal_to(condition.value)]), stricter)
        case "in":
            equals = [equal_to(each) for each in _elements(condition.value)]
            return Carried(_among(read, equals, doubtful=True) if equals else "false", stricter)
        case "not_in":
            equals = [equal_to(each) for each in _elements(condition.value)]
            return Carried(_unequal(read, equals) if equals else "true", stricter)
        case "regex":
            return Carried(_matching(read, condition.value), stricter)
        case "contains":
            return Carried(_containing_or_odd(read, condition.value), stricter)
    assert_never(condition.op)


def _wanted(value: object) -> bool:
    if not isinstance(value, bool):
        raise Incomparable("`exists` takes `true` or `false`", "write one, without quotes")
    return value


def _elements(value: object) -> list[object]:
    if not isinstance(value, list):
        raise Incomparable("`in` and `not_in` take a list", "write `[one, two]`")
    return value


def _number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Incomparable("`lt`, `lte`, `gt` and `gte` take a number", "write it without quotes")
    fitting(value)
    return value


def _lists(*equals: Equal) -> str | None:
    if not any(equal.doubtful for equal in equals):
        return None
    return "a list or map that Go would print as this text is denied"


def _existing(path: str, *, there: bool) -> str:
    """Return CEL that says whether a path leads to something but null, without any error."""
    keys = path.split(".")
    steps: list[str] = []
    for index, key in enumerate(keys):
        inside = term(".".join(keys[:index])) if index else "args"
        if index:
            steps.append(f"type({inside}) == map")
        steps.append(f"has({inside}.{key})" if _plain(key) else f"{literal(key)} in {inside}")
    found = " && ".join([*steps, f"{term(path)} != null"])
    return found if there else f"!({found})"


def _missing(path: str) -> str:
    """Return CEL that has no answer where a path leads nowhere, and is false elsewhere."""
    return f"{term(path)} in []"


def _ordered(read: str, sign: str, value: object) -> str:
    number = _number(value)
    if abs(number) < EXACT:
        return f"{read} {sign} {number_literal(number)}"
    return f"type({read}) == string || double({read}) {sign} {number_literal(float(number))}"


def _among(read: str, equals: list[Equal], *, doubtful: bool) -> str:
    literals = list(dict.fromkeys(each for equal in equals for each in equal.literals))
    one = len(literals) == 1
    parts = [f"{read} == {literals[0]}" if one else f"{read} in [{', '.join(literals)}]"]
    parts += [test.replace("{}", read) for equal in equals for test in equal.tests]
    if doubtful and any(equal.lists for equal in equals):
        parts.append(f"type({read}) == list")
    if doubtful and any(equal.maps for equal in equals):
        parts.append(f"type({read}) == map")
    return " || ".join(parts)


def _unequal(read: str, equals: list[Equal]) -> str:
    if len(equals) == 1 and len(equals[0].literals) == 1 and not equals[0].tests:
        return f"{read} != {equals[0].literals[0]}"
    return f"!({_among(read, equals, doubtful=False)})"


def _matching(read: str, value: object) -> str:
    if not isinstance(value, str):
        raise Incomparable("`regex` takes a text", "write it in quotes")
    return f"{read}.matches({literal(translated(value))})"


def _not_containing(read: str, value: object) -> Carried:
    equal = equal_to(value)
    inside = f"type({read}) == list && ({_within(read, equal)})"
    if isinstance(value, str):
        inside = f"type({read}) == string && {read}.contains({literal(value)}) || {inside}"
    stricter = _lists(equal)
    if equal.tests:
        stricter = "numbers in a list are not compared with this value"
    return Carried(f"!({inside})", stricter)


def _containing_or_odd(read: str, value: object) -> str:
    equal = equal_to(value)
    inside = [_within(read, equal)]
    if equal.doubtful:
        inside.append(f"{read}.exists(each, type(each) == list || type(each) == map)")
    if equal.tests:
        inside.append(f"{read}.exists(each, {is_number('each')})")
    other = f"{read}.contains({literal(value)})" if isinstance(value, str) else "true"
    return f"type({read}) == list ? {' || '.join(inside)} : {other}"


def _within(read: str, equal: Equal) -> str:
    return " || ".join(f"{each} in {read}" for each in equal.literals)
