"""Resolves plain YAML scalars by the core schema (YAML 1.2.2, section 10.3.2)."""

import re

_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_MOST_DIGITS = 30


class Unrepresentable(Exception):
    """A number too long to be meant."""


def resolve(text: str, *, plain: bool) -> str | int | float | bool | None:
    """Return what the scalar `text` says; quoted text stays text.

    `yes`, `no`, `on` and `off` are text, as YAML 1.2 has it.
    Raises Unrepresentable for a number of more than 30 characters.
    """
    if not plain:
        return text
    if text in _WORDS:
        return _WORDS[text]
    number = _number(text)
    return text if number is None else number


def _number(text: str) -> int | float | None:
    for pattern, base in ((_INTEGER, 10), (_OCTAL, 8), (_HEXADECIMAL, 16)):
        if pattern.fullmatch(text):
            return int(_short(text), base)
    if _FLOAT.fullmatch(text):
        return float(_short(text))
    if _SPECIAL.fullmatch(text):
        return float(text.replace(".", "", 1))
    return None


def _short(text: str) -> str:
    if len(text) > _MOST_DIGITS:
        raise Unrepresentable
    return text
