"""Conditions on arguments as they are in one call: proposed to whoever gives a grant."""

import re
from collections.abc import Iterator, Mapping
from itertools import islice

from policies.conditions.arguments import Scope
from policies.conditions.condition_checks import CannotCompile
from policies.conditions.conditions import Unevaluable, compile_condition
from policies.rules.grant_terms import terms_problem
from policies.secrets.secret_shapes import MARKER
from policies.values.calls import JsonValue, Number
from policies.values.inert import inert
from policies.values.strict_json import parse

_MOST = 900
_LONGEST_TEXT = 200
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def proposal(arguments: str) -> str:
    """Return a condition in CEL that the plain values of these arguments (JSON) stay as they are.

    Left out is what is hidden, what is no text, number or truth, long texts,
    and what does not fit into 900 characters; empty where nothing is left.
    """
    value = parse(arguments.encode())
    parts: list[str] = []
    for part in _parts(value) if isinstance(value, Mapping) else ():
        if len(" && ".join([*parts, part])) <= _MOST:
            parts.append(part)
    return " && ".join(parts)


def condition_problem(when: str) -> str | None:
    """Return what is wrong with the condition of a grant, in words for who gives it; else None."""
    if inert(when, multiline=True) != when:
        return "the condition holds characters that cannot be seen; write them like `\\u202e`"
    return terms_problem(when, None, None, ())


def holds(when: str, arguments: str, scope: Scope) -> bool | Unevaluable:
    """Say whether a condition holds of the redacted arguments; `scope` is all else it reads."""
    value = parse(arguments.encode())
    raw = value if isinstance(value, Mapping) else {}
    return compile_condition(when).holds(Scope(raw, scope.call, scope.agent, scope.now))


def _parts(arguments: Mapping[str, JsonValue]) -> Iterator[str]:
    for key in sorted(arguments):
        literal = _literal(arguments[key])
        if literal is None or MARKER in key:
            continue
        names = [f".{key}"] if _NAME.fullmatch(key) else []
        found = (f"args{name} == {literal}" for name in [*names, f"[{_text(key)}]"])
        yield from islice(filter(_compiles, found), 1)


def _literal(value: JsonValue) -> str | None:
    """Return a value as CEL writes it, None where it is hidden, long or not plain."""
    match value:
        case bool():
            return "true" if value else "false"
        case Number():
            return value.text
        case str() if MARKER not in value and len(value) <= _LONGEST_TEXT:
            return _text(value)
        case _:
            return None


def _text(text: str) -> str:
    return '"' + "".join(_written(character) for character in text) + '"'


def _written(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return character if inert(character) == character else f"\\U{ord(character):08x}"


def _compiles(part: str) -> bool:
    try:
        compile_condition(part)
    except CannotCompile:
        return False
    return condition_problem(part) is None
