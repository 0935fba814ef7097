"""Says which arguments Intercept takes for equal to a value of its file.

Two numbers are compared as doubles, all else by the text that Go prints of it (`%v`): the text
`"5"` equals the number 5, `"true"` equals true, and null equals `"<nil>"`.
"""

import json
import math
import re
from dataclasses import dataclass
from decimal import Decimal

EXACT = 2**53
"""Whole numbers below it are the same as doubles."""
_LARGEST = 2**63
_FEW, _MANY = -4, 21
_PLAIN = re.compile(r"[!#-\[\]-~]*")


class Incomparable(Exception):
    """A value that cannot be carried over: `what` is wrong, and what to write `instead`."""

    def __init__(self, what: str, instead: str) -> None:
        self.what = what
        self.instead = instead
        super().__init__(f"{what}; {instead}")


@dataclass(frozen=True)
class Equal:
    """CEL for what equals a value: literals, and tests of `{}`.

    `lists` and `maps` say that such an argument might be equal too, by the text that Go prints.
    """

    literals: tuple[str, ...]
    tests: tuple[str, ...] = ()
    lists: bool = False
    maps: bool = False

    @property
    def doubtful(self) -> bool:
        """Whether some lists or maps might be equal, which no condition can tell."""
        return self.lists or self.maps


def equal_to(value: object) -> Equal:
    """Return what equals `value`. Raises Incomparable for lists, maps and endless numbers."""
    match value:
        case bool():
            word = "true" if value else "false"
            return Equal((word, literal(word)))
        case None:
            return Equal(("null", literal("<nil>")))
        case int() | float():
            return _equal_number(value)
        case str():
            return _equal_text(value)
        case _:
            raise Incomparable(
                "Intercept compares a list or map as the text that Go prints of it",
                "compare what is in it, one by one",
            )


def _equal_number(number: float) -> Equal:
    fitting(number)
    text = literal(_printed(number))
    if abs(number) < EXACT:
        return Equal((number_literal(number), text))
    return Equal(
        (text,), (f"({is_number('{}')} && double({{}}) == {number_literal(float(number))})",)
    )


def _equal_text(text: str) -> Equal:
    words = {"true": "true", "false": "false", "<nil>": "null"}
    if text in words:
        return Equal((literal(text), words[text]))
    if text in ("0", "-0"):
        return Equal((literal(text),), (f"({is_number('{}')} && string({{}}) == {literal(text)})",))
    number = _number(text)
    if number is not None:
        found = _equal_number(number)
        return Equal(tuple({literal(text): None, **dict.fromkeys(found.literals)}), found.tests)
    lists = text.startswith("[") and text.endswith("]")
    return Equal((literal(text),), lists=lists, maps=text.startswith("map[") and text.endswith("]"))


def _number(text: str) -> int | float | None:
    """Return the number of which Go prints exactly this text, as a double."""
    try:
        number = float(text)
    except ValueError:
        return None
    if not math.isfinite(number) or go_double(number) != text:
        return None
    return int(number) if number.is_integer() and abs(number) < EXACT else number


def _printed(number: float) -> str:
    if isinstance(number, int):
        return str(number)
    return go_double(number)


def go_double(number: float) -> str:
    """Return what Go prints of a double with `%v`: shortest digits, an exponent from 1e21 on."""
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    if not isinstance(exponent, int):
        raise Incomparable("the number is not finite", "write digits")
    if number == 0:
        return "-0" if math.copysign(1, number) < 0 else "0"
    point = len(digits) + exponent - 1
    figures = "".join(map(str, digits))
    if _FEW <= point < _MANY:
        text = format(Decimal((0, digits, exponent)), "f")
    else:
        mantissa = figures[0] + ("." + figures[1:] if figures[1:] else "")
        text = f"{mantissa}e{'-' if point < 0 else '+'}{abs(point):02d}"
    return ("-" if sign else "") + text


def is_number(term: str) -> str:
    """Return CEL that says whether `term` is a number."""
    return f"(type({term}) == int || type({term}) == double)"


def number_literal(number: float) -> str:
    """Return `number` as CEL writes it. Raises Incomparable beyond 64 bits or finite numbers."""
    fitting(number)
    if isinstance(number, int):
        return str(number)
    if number.is_integer() and abs(number) < EXACT:
        return str(int(number))
    return repr(number)


def fitting(number: float) -> None:
    """Raise Incomparable where `number` is a whole one beyond 64 bits, or endless."""
    if isinstance(number, int) and abs(number) >= _LARGEST:
        raise Incomparable("the number does not fit 64 bits", "write a smaller one")
    if not math.isfinite(number):
        raise Incomparable("the number is not finite", "write digits")


def literal(text: str) -> str:
    """Return `text` as CEL writes it, on one printable line; backslashes make it a raw text."""
    if "\\" in text and '"' not in text and text.isprintable():
        return f'r"{text}"'
    if _PLAIN.fullmatch(text):
        return f'"{text}"'
    escaped = "".join(
        each if each.isprintable() and each not in '"\\' else _escape(each) for each in text
    )
    return f'"{escaped}"'


def _escape(sign: str) -> str:
    if (ord(sign) < 0x80 and not sign.isprintable()) or sign in '"\\':  # noqa: PLR2004 - ASCII
        return json.dumps(sign)[1:-1] if sign != "\x7f" else "\\u007f"
    return f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"  # noqa: PLR2004
