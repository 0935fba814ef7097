"""Finds comparisons of what is known of every call with what it can never be."""

from collections.abc import Iterator

from policies.conditions.argument_paths import Literal, accesses, compared_with
from policies.conditions.expressions import Expression, Token
from policies.conditions.functions import CLOCK
from policies.values.calls import Risk
from policies.yaml.validation import choice, suggestion

_COUNTS = (*CLOCK, "size")
_RISKS = [risk.value for risk in Risk]
_TIME = 'write `timestamp("2026-12-24T00:00:00Z")`'


def unlike(expression: Expression) -> tuple[Token, str, str] | None:
    """Return the first comparison that can never hold: where, what, and what to write instead."""
    return next(_unlike(expression), None)


def _unlike(expression: Expression) -> Iterator[tuple[Token, str, str]]:
    yield from _texts(expression)
    yield from _times(expression)
    yield from _counts(expression)


def _texts(expression: Expression) -> Iterator[tuple[Token, str, str]]:
    for root in ("call", "agent"):
        for access in accesses(expression, root):
            name, token = f"`{root}.{access.steps[0]}`", access.tokens[-1]
            for literal in access.compared if len(access.steps) == 1 else ():
                if not isinstance(literal, str | None):
                    what = f"{name} is a text, and is compared with {_shown(literal)}"
                    yield token, what, "write a text, in quotes"
                elif name == "`call.risk`" and access.equally and literal not in _RISKS:
                    advice = suggestion(str(literal), _RISKS, choice(_RISKS))
                    yield token, f"{name} is never {_shown(literal)}", advice


def _times(expression: Expression) -> Iterator[tuple[Token, str, str]]:
    for index, token in enumerate(expression.tokens):
        member = index > 0 and expression.tokens[index - 1].text == "."
        if token.kind == "name" and token.text == "now" and not member:
            for literal in compared_with(expression.tokens, index + 1)[0]:
                what = f"`now` is a time, and is compared with {_shown(literal)}"
                yield token, what, _TIME


def _counts(expression: Expression) -> Iterator[tuple[Token, str, str]]:
    words = {token.text for token in expression.tokens}
    for name in _COUNTS:
        if name not in words:
            continue
        for token, between in expression.calls(name):
            end = expression.tokens.index(token) + len(between) + 3
            for literal in compared_with(expression.tokens, end)[0]:
                if isinstance(literal, str | bool | None):
                    what = f"`{name}` is a number, and is compared with {_shown(literal)}"
                    yield token, what, "write digits, without quotes"


def _shown(literal: Literal) -> str:
    return f'"{literal}"' if isinstance(literal, str) else str(literal).lower()
