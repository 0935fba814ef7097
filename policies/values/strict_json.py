"""Reads JSON so strictly that no other parser can read it differently, and writes it back."""

import json
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import accumulate
from typing import Any, Never, TypeAlias

from policies.values.calls import JsonValue, Number
from policies.values.inert import inert_line
from policies.values.refusals import Refused

Json: TypeAlias = "JsonValue | Mapping[str, JsonValue]"
"""A JSON value, or a read-only view of an object."""

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"
"""JSON in ordinary Python values, as conditions read it."""

_ECHO = 40
_SAFE_DIGITS = 300
_INFINITIES = (math.inf, -math.inf)
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_BLANKS = re.compile(r"[ \t\r\n]*+")
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LONGEST_REMEMBERED = 500
_MOST_REMEMBERED = 1024
_APART: dict[tuple[str, ...], tuple[str, ...]] = {}
"""Keys of objects that were found to be apart: many bodies have the same."""

_CONSTANTS = {None: "null", True: "true", False: "false"}
_quoted = json.encoder.encode_basestring


class Flaw(StrEnum):
    """What is wrong with a body, for the choice of an error code."""

    ENCODING = "encoding"
    SYNTAX = "syntax"
    DEPTH = "depth"
    KEYS = "keys"
    NUMBER = "number"


class NotStrict(Refused):
    """The body is not JSON, or two parsers could read it differently; `flaw` says in what way."""

    def __init__(self, flaw: Flaw, message: str) -> None:
        """Keep the flaw beside the message."""
        super().__init__(message)
        self.flaw = flaw


def parse(body: bytes, *, max_depth: int = 100) -> JsonValue:
    """Return the JSON value in `body` (RFC 8259), numbers as they were written.

    Refuses what parsers read differently: any encoding but UTF-8 without a
    byte order mark, keys of one object that are equal or become equal when
    case and compatibility forms are folded, NaN and infinities, numbers
    outside a double, half surrogate pairs and more than `max_depth` levels.
    Raises NotStrict.
    """
    text = _decoded(body)
    if text.count("[") + text.count("{") > max_depth and _depth(body) > max_depth:
        message = f"the body nests deeper than {max_depth} levels; send it flatter"
        raise NotStrict(Flaw.DEPTH, message)
    value = _read(text)
    if "\\" in text and _SURROGATE_ESCAPE.search(body):
        _refuse_half_pairs(value)
    return value


def canonical(value: Json) -> str:
    """Return the one spelling of `value`: keys by code point, no blanks, numbers as written."""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Number):
        return value.text
    if isinstance(value, list):
        return "[" + ",".join([canonical(item) for item in value]) + "]"
    if value is None or value is True or value is False:
        return _CONSTANTS[value]
    members = []
    for key in sorted(value):
        member = value[key]
        text = _quoted(member) if member.__class__ is str else canonical(member)
        members.append(f"{_quoted(key)}:{text}")
    return "{" + ",".join(members) + "}"


def pretty(value: Json, *, indent: str = "") -> str:
    """Return `value` for people: keys sorted, two spaces a level, numbers as written."""
    deeper = indent + "  "
    match value:
        case list() if value:
            items = [f"{deeper}{pretty(item, indent=deeper)}" for item in value]
            return "[\n" + ",\n".join(items) + f"\n{indent}]"
        case Mapping() if value:
            items = [
                f"{deeper}{_quoted(key)}: {pretty(value[key], indent=deeper)}"
                for key in sorted(value)
            ]
            return "{\n" + ",\n".join(items) + f"\n{indent}}}"
        case _:
            return canonical(value)


def plain(value: Json) -> Plain:
    """Return `value` in Python's own values: a number is an int or a float."""
    match value:
        case Number():
            return value.value
        case list():
            return [plain(item) for item in value]
        case Mapping():
            return {key: plain(member) for key, member in value.items()}
        case _:
            return value


def folded_key(key: str) -> str:
    """Return `key` without differences of case and compatibility form."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", key).casefold())


def _decoded(body: bytes) -> str:
    """Return `body` as text, if it is UTF-8 without a byte order mark."""
    if body.startswith(b"\xef\xbb\xbf"):
        message = "the body starts with a byte order mark; send UTF-8 without one"
        raise NotStrict(Flaw.ENCODING, message)
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        message = f"the body is not UTF-8 at byte {error.start}; send JSON in UTF-8"
        raise NotStrict(Flaw.ENCODING, message) from None


def _read(text: str) -> JsonValue:
    """Return the one value in `text`. Raises NotStrict."""
    try:
        value: JsonValue
        value, end = _SCAN(text, 0 if text.startswith("{") else _after_blanks(text, 0))
        if end != len(text):
            end = _after_blanks(text, end)
    except StopIteration as nothing:
        end = nothing.value
    except json.JSONDecodeError as error:
        end = error.pos
    else:
        if end == len(text):
            return value
    message = f"the body is not JSON at character {end}; send one JSON value in UTF-8"
    raise NotStrict(Flaw.SYNTAX, message)


def _after_blanks(text: str, at: int) -> int:
    """Return the first place in `text`, from `at` on, without a blank of JSON."""
    blanks = _BLANKS.match(text, at)
    assert blanks is not None, "none is a match too"
    return blanks.end()


def _depth(body: bytes) -> int:
    """Return how deep the brackets outside strings nest."""
    brackets = _STRING.sub(b"", body).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of `pairs`, if no two keys can be taken for one another."""
    members = dict(pairs)
    if len(pairs) <= 1:
        return members
    keys = tuple(members)
    known = _APART.get(keys)
    if known is not None and len(known) == len(pairs):
        return dict(zip(known, members.values(), strict=True))
    joined = "".join(members)
    fold = str.lower if joined.isascii() else folded_key
    if len(set(map(fold, members))) != len(pairs):
        _refuse_keys([key for key, _ in pairs])
    if len(joined) <= _LONGEST_REMEMBERED:
        _remember(keys)
    return members


def _remember(keys: tuple[str, ...]) -> None:
    """Keep in mind that no two of these keys can be taken for one another."""
    if len(_APART) >= _MOST_REMEMBERED:
        _APART.clear()
    _APART[keys] = keys


def _refuse_keys(keys: Sequence[str]) -> Never:
    """Raise NotStrict naming the first key that is like an earlier one."""
    seen: dict[str, str] = {}
    key, folded = "", ""
    for key in keys:
        folded = folded_key(key)
        if folded in seen:
            break
        seen[folded] = key
    shown = inert_line(key, _ECHO)
    if seen[folded] == key:
        message = f"the key `{shown}` appears twice in one object; send it once"
    else:
        message = f"the key `{shown}` appears in two spellings in one object; send one of them"
    raise NotStrict(Flaw.KEYS, message)


def _number(text: str) -> Number:
    """Return the number as written, if a double can hold its size."""
    if float(text) in _INFINITIES:
        shown = inert_line(text, _ECHO)
        message = f"the number `{shown}` is too large; send a number that fits a double"
        raise NotStrict(Flaw.NUMBER, message)
    return Number(text)


def _integer(text: str) -> Number:
    """Return the integer as written; only very long ones can be too large."""
    return Number(text) if len(text) < _SAFE_DIGITS else _number(text)


def _refuse_constant(name: str) -> Never:
    """Raise NotStrict for NaN, Infinity and -Infinity."""
    raise NotStrict(Flaw.NUMBER, f"`{name}` is not a JSON number; send a finite number")


def _refuse_half_pairs(value: JsonValue) -> None:
    """Raise NotStrict if a string or key in `value` holds half a surrogate pair."""
    if _SURROGATE.search(canonical(value)):
        message = "a string holds half a surrogate pair; send whole characters"
        raise NotStrict(Flaw.ENCODING, message)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_number,
    parse_constant=_refuse_constant,
)
_SCAN = _DECODER.scan_once  # type: ignore[attr-defined]  # the C scanner, unknown to typeshed
