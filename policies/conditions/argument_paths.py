"""Finds what a condition reads of the call, and what it compares that with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from policies.conditions.evaluator import cel
from policies.conditions.expressions import Expression, Token
from policies.conditions.functions import OWN

_COMPARING = ("==", "!=", "<", "<=", ">", ">=")
_COUNTING = ("+", "-", "*", "/", "%", ".", "[", "?")
_ON_TEXT = frozenset(("contains", "startsWith", "endsWith", "matches"))
_OF_TEXT = frozenset(OWN)
"""Functions whose first value is a text."""

Literal = str | int | float | bool | None


@dataclass(frozen=True)
class Access:
    """One way into a variable, such as `args.card.number`, and what becomes of the value.

    `steps` are the names after the variable, `tokens` where each stands. `compared`
    are the texts, numbers and words that the value is compared with, where it
    is; `equally` says that they have to be the same. `as_text` names a function
    that takes texts only.
    """

    steps: tuple[str, ...]
    tokens: tuple[Token, ...]
    compared: tuple[Literal, ...] = ()
    equally: bool = False
    as_text: str | None = None


def accesses(expression: Expression, root: str = "args") -> Iterator[Access]:
    """Yield the ways into a variable that a condition writes out, in the order of its text."""
    tokens = expression.tokens
    for index, token in enumerate(tokens):
        before = tokens[index - 1].text if index else ""
        if token.kind != "name" or token.text != root or before == ".":
            continue
        steps, at, called = _steps(tokens, index + 1)
        if not steps:
            continue
        names, places = tuple(step for step, _ in steps), tuple(place for _, place in steps)
        if called is not None:
            yield Access(names, places, as_text=called if called in _ON_TEXT else None)
        elif (taking := _taking(tokens, index, at)) is not None:
            yield Access(names, places, as_text=taking)
        elif before in _COUNTING:
            yield Access(names, places)
        else:
            compared, equally = compared_with(tokens, at)
            if not compared:
                compared, equally = _compared_before(tokens, index, at)
            yield Access(names, places, compared, equally)


def _taking(tokens: Sequence[Token], begin: int, end: int) -> str | None:
    """Return the function whose first value, a text, stands from `begin` to before `end`."""
    after = tokens[end].text if end < len(tokens) else ""
    before = [token.text for token in tokens[max(begin - 3, 0) : begin]]
    if after not in (",", ")") or before[-1:] != ["("] or before[:-2] == ["."]:
        return None
    return before[-2] if len(before) > 1 and before[-2] in _OF_TEXT else None


def _steps(tokens: Sequence[Token], at: int) -> tuple[list[tuple[str, Token]], int, str | None]:
    """Return the names that follow a variable, where they end, and the function called on them."""
    steps: list[tuple[str, Token]] = []
    while at + 1 < len(tokens):
        sign, name = tokens[at], tokens[at + 1]
        after = tokens[at + 2].text if at + 2 < len(tokens) else ""
        if sign.text == "." and name.kind == "name":
            if after == "(":
                return steps, at, name.text
            steps.append((name.text, name))
            at += 2
        elif sign.text == "[" and name.kind == "text" and after == "]":
            key = _literal([name])
            if not isinstance(key, str):
                break
            steps.append((key, name))
            at += 3
        else:
            break
    return steps, at, None


def compared_with(tokens: Sequence[Token], at: int) -> tuple[tuple[Literal, ...], bool]:
    """Return what the value that ends before `at` is compared with, where that is written out."""
    if at < len(tokens) and tokens[at].text == "in":
        return _listed(tokens, at + 1), True
    sign = "".join(
        token.text for token in tokens[at : at + 2] if token.kind == "sign" and token.text in "=!<>"
    )
    if sign not in _COMPARING:
        return (), False
    begin = at + len(sign)
    end = begin + 2 if begin < len(tokens) and tokens[begin].text == "-" else begin + 1
    after = tokens[end].text if end < len(tokens) else ""
    literal = _literal(tokens[begin:end])
    if isinstance(literal, _None) or after in _COUNTING:
        return (), False
    return (literal,), sign in ("==", "!=")


def _compared_before(
    tokens: Sequence[Token], begin: int, end: int
) -> tuple[tuple[Literal, ...], bool]:
    """Return what is written out before a value, from `begin` to before `end`, to be the same."""
    sign = "".join(token.text for token in tokens[max(begin - 2, 0) : begin])
    beside = [tokens[at].text for at in (begin - 4, end) if 0 <= at < len(tokens)]
    literal = _literal(tokens[max(begin - 3, 0) : max(begin - 2, 0)])
    if sign not in ("==", "!=") or isinstance(literal, _None) or set(beside) & {*_COUNTING}:
        return (), False
    return (literal,), True


def _listed(tokens: Sequence[Token], at: int) -> tuple[Literal, ...]:
    """Return the texts, numbers and words in a list, none where something else is in it."""
    if at >= len(tokens) or tokens[at].text != "[":
        return ()
    found: list[Literal] = []
    for token in tokens[at + 1 :]:
        if token.text == "]":
            return tuple(found)
        if token.text == ",":
            continue
        literal = _literal([token])
        if isinstance(literal, _None):
            return ()
        found.append(literal)
    return ()


class _None:
    """Stands for what is no literal: None is one."""


def _literal(tokens: Sequence[Token]) -> Literal | _None:
    """Return the value that tokens write out."""
    text = "".join(token.text for token in tokens)
    words: dict[str, Literal] = {"true": True, "false": False, "null": None}
    if text in words:
        return words[text]
    if not tokens or tokens[-1].kind not in ("text", "number"):
        return _None()
    try:
        value = cel.compile(text).execute({})
    except Exception:  # noqa: BLE001 - it is no literal, whatever the reason
        return _None()
    return value if isinstance(value, str | int | float) else _None()
