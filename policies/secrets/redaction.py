"""Redacts arguments and texts before they become an event, a card or a log line."""

import fnmatch
import re
import unicodedata
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from policies.secrets.card_numbers import is_card
from policies.secrets.labelled_secrets import (
    HALF_KEYS,
    ROWS,
    VALUES,
    command_secrets,
    is_header,
    is_long_hexadecimal,
    is_secret_flag,
    labels_a_secret,
    secret_columns,
)
from policies.secrets.secret_names import names_a_secret
from policies.secrets.secret_shapes import MARKER, hide_secrets
from policies.secrets.seed_phrases import is_seed
from policies.values.calls import JsonValue, Number
from policies.values.strict_json import Json

_EXAMPLES = frozenset({"default", "example", "examples", "const"})
_SECOND = 2
_MOST_REMEMBERED = 4096
_LONGEST_REMEMBERED = 100


class Redacted(NamedTuple):
    """A value without its secrets; `hidden` counts the values that were replaced."""

    value: JsonValue
    hidden: int


class RedactedText(NamedTuple):
    """A text without its secrets; `hidden` counts the parts that were replaced."""

    text: str
    hidden: int


@dataclass(frozen=True)
class _Patterns:
    """What the policy's `redact` names: keys at any depth, and paths from the root."""

    keys: re.Pattern[str]
    paths: tuple[tuple[re.Pattern[str], ...], ...]
    known: dict[str, "_Key"] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class _Key:
    """A key of an object: as it may be shown, what it hides, and its folded form.

    Where it is `common`, what stands below it is looked at by itself alone.
    """

    shown: str
    hidden: int
    folded: str
    hides: bool
    names_a_secret: bool
    holds_value: bool
    may_hold_key: bool
    holds_rows: bool
    common: bool


def redact(value: Json, patterns: Sequence[str]) -> Redacted:
    """Return `value` without secrets, and how many values were hidden.

    A bare glob in `patterns` names a key at any depth, one with a dot a path
    from the root (each part a glob, lists are looked through), both whatever
    the case. Keys that usually hold secrets are always hidden, with all that
    is below them, and so are secret-shaped parts of any string or key, and
    card numbers. Each hidden part becomes the string `[hidden]`.
    """
    compiled = _compiled(tuple(patterns))
    redaction = _Redaction(compiled)
    return Redacted(redaction.value(value, compiled.paths), redaction.hidden)


def redact_text(text: str) -> RedactedText:
    """Return `text` with its secret-shaped parts replaced by `[hidden]`."""
    return RedactedText(*hide_secrets(text))


def redact_definition(value: Json) -> JsonValue:
    """Return a tool's definition without secrets, with all that it says of its arguments.

    Unlike in arguments, what stands below a key such as `password` is a schema
    and stays; hidden are its example values, texts under such a key, and
    secret-shaped parts of any text.
    """
    return _definition(value, secret=False)


def _definition(value: Json, *, secret: bool) -> JsonValue:
    """Return a part of a definition redacted; `secret` says that it is about a secret argument."""
    match value:
        case str():
            return redact_text(value).text
        case Mapping():
            defined: dict[str, JsonValue] = {}
            apart = _Apart(defined)
            for key, member in value.items():
                shown = apart.key(redact_text(key).text)
                defined[shown] = _defined(key, member, secret=secret)
            return defined
        case list():
            return [_definition(item, secret=secret) for item in value]
        case _:
            return value


def _defined(key: str, member: JsonValue, *, secret: bool) -> JsonValue:
    if secret and key in _EXAMPLES:
        return MARKER
    if isinstance(member, str) and names_a_secret(key):
        return MARKER
    return _definition(member, secret=secret or names_a_secret(key))


class _Apart:
    """Keeps keys that hide alike apart: the second is marked `'`, the third `'3`, and so on."""

    def __init__(self, taken: Container[str]) -> None:
        """Begin; `taken` are the keys that there are at any time."""
        self._taken = taken
        self._times: dict[str, int] = {}

    def key(self, shown: str) -> str:
        """Return the key that stands for the next one shown as `shown`; quick for any number."""
        marked = shown
        while marked in self._taken:
            times = self._times[shown] = self._times.get(shown, 1) + 1
            marked = f"{shown}'" if times == _SECOND else f"{shown}'{times}"
        return marked


class _Redaction:
    """One walk over a value; counts what it hides."""

    def __init__(self, patterns: _Patterns) -> None:
        self._patterns = patterns
        self.hidden = 0

    def value(self, value: Json, paths: tuple[tuple[re.Pattern[str], ...], ...]) -> JsonValue:
        """Return `value` redacted; `paths` are the rests of the paths that lead here."""
        match value:
            case str():
                return self._text(value)
            case Number():
                return self._hide() if is_card(value) else value
            case list():
                return self._items(value, paths)
            case dict() | Mapping():  # nearly always a dict, and that is quickly told
                return self._members(value, paths)
            case _:
                return value

    def _hide(self) -> str:
        self.hidden += 1
        return MARKER

    def _text(self, text: str) -> str:
        shown, hidden = hide_secrets(text)
        self.hidden += hidden
        return shown

    def _members(
        self, members: Mapping[str, JsonValue], paths: tuple[tuple[re.Pattern[str], ...], ...]
    ) -> JsonValue:
        """Return an object redacted; two keys that hide alike stay two members."""
        redacted: dict[str, JsonValue] = {}
        known = self._patterns.known
        apart = None
        for name, member in members.items():
            key = known.get(name) or self._new_key(name)
            shown = key.shown
            if shown in redacted:
                apart = apart or _Apart(redacted)
                shown = apart.key(shown)
            if key.common and not paths:
                redacted[shown] = (
                    self._text(member) if isinstance(member, str) else self.value(member, ())
                )
            else:
                self.hidden += key.hidden
                redacted[shown] = self._member(key, member, paths, members)
        return redacted

    def _member(
        self,
        key: _Key,
        member: JsonValue,
        paths: tuple[tuple[re.Pattern[str], ...], ...],
        beside: Mapping[str, JsonValue],
    ) -> JsonValue:
        """Return one member redacted; `beside` is the whole object."""
        rests = tuple(path[1:] for path in paths if path[0].match(key.folded)) if paths else ()
        if key.hides or () in rests or _hides_by_default(key, member):
            return self._hide()
        if key.holds_value and isinstance(member, str | Number) and labels_a_secret(beside):
            return self._hide()
        if key.may_hold_key and isinstance(member, str) and is_long_hexadecimal(member):
            return self._hide()
        columns = secret_columns(beside) if key.holds_rows and isinstance(member, list) else None
        return self._rows(member, columns, rests) if columns else self.value(member, rests)

    def _rows(
        self,
        rows: JsonValue,
        columns: frozenset[int],
        paths: tuple[tuple[re.Pattern[str], ...], ...],
    ) -> JsonValue:
        """Return the rows of a table redacted; what stands in `columns` is hidden."""
        assert isinstance(rows, list), "the caller looked"
        table = rows if any(isinstance(row, list | dict) for row in rows) else [rows]
        shown: list[JsonValue] = [
            [
                self._hide() if at in columns and cell is not None else self.value(cell, paths)
                for at, cell in enumerate(row)
            ]
            if isinstance(row, list)
            else self.value(row, paths)
            for row in table
        ]
        return shown if table is rows else shown[0]

    def _new_key(self, name: str) -> _Key:
        """Return what there is to know of a key; short ones are remembered, up to 4,096 of them."""
        folded = _folded(name)
        shown, hidden = hide_secrets(name)
        hides = self._patterns.keys.match(folded) is not None
        named, holds, keyed = names_a_secret(name), folded in VALUES, folded in HALF_KEYS
        rows = folded in ROWS
        common = not (hidden or hides or named or holds or keyed or rows)
        key = _Key(shown, hidden, folded, hides, named, holds, keyed, rows, common)
        if len(name) <= _LONGEST_REMEMBERED:
            known = self._patterns.known
            if len(known) >= _MOST_REMEMBERED:
                known.clear()
            known[name] = key
        return key

    def _items(
        self, items: list[JsonValue], paths: tuple[tuple[re.Pattern[str], ...], ...]
    ) -> JsonValue:
        """Return a list redacted; what follows `--password` or the name of a header is hidden."""
        if is_header(items):
            return [self._text(str(items[0])), self._hide()]
        if is_seed(items):
            return [self._hide() for _ in items]
        redacted: list[JsonValue] = [
            self._hide()
            if at and isinstance(item, str | Number) and is_secret_flag(items[at - 1])
            else self.value(item, paths)
            for at, item in enumerate(items)
        ]
        for at, shown in command_secrets(items, MARKER):
            if redacted[at] == items[at]:
                self.hidden += 1
                redacted[at] = shown
        return redacted


def _hides_by_default(key: _Key, member: JsonValue) -> bool:
    """Tell whether `member` is a secret by its key; null, true and counts of tokens are not."""
    if not key.names_a_secret or member is None or isinstance(member, bool):
        return False
    return not (isinstance(member, Number) and key.folded.endswith("tokens"))


def _folded(key: str) -> str:
    return key.lower() if key.isascii() else unicodedata.normalize("NFKC", key).casefold()


@lru_cache(maxsize=64)
def _compiled(patterns: tuple[str, ...]) -> _Patterns:
    """Return the globs as regular expressions."""
    folded = [_folded(pattern) for pattern in patterns]
    bare = [fnmatch.translate(pattern) for pattern in folded if "." not in pattern]
    paths = [pattern.split(".") for pattern in folded if "." in pattern]
    return _Patterns(
        keys=re.compile("|".join(bare) or r"(?!)"),
        paths=tuple(tuple(re.compile(fnmatch.translate(part)) for part in path) for path in paths),
    )
