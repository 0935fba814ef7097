"""Hides secrets by their shape inside longer text, in time linear in its length.

Shown on purpose, because they are everyday names of things and approvers need
them: UUIDs, hexadecimal strings of the lengths of common digests (32, 40, 56,
64, 96, 128), subresource digests (`sha256-…`), SSH public keys, and addresses
of Bitcoin and Ethereum.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Sequence
from operator import ne
from typing import Final, TypeAlias

from policies import secret_patterns as patterns
from policies.card_numbers import SHORTEST_CARD, hide_cards, may_hold_card

MARKER: Final = "[hidden]"
"""Stands where a secret was."""

_Replacement: TypeAlias = Callable[[re.Match[str]], str | None]
"""Returns what stands for a match, or None where it is no secret."""

_Step: TypeAlias = tuple[re.Pattern[str], _Replacement]

_SHORTEST_KEY = 14
_SHORTEST_RUN = 32
_SHORTEST_WORD_TOKEN = 20
_CURL_BEFORE = 300
_AWS_SECRET = 40
_MOST_SYMBOLS = 0.12
_LEAST_CHANGES = 0.40
_LEAST_CHANGES_WITHOUT_CAPITALS = 0.25
_LEAST_DIGITS = 2
_DIGEST_LENGTHS = frozenset({32, 40, 56, 64, 96, 128})
_DIGIT = re.compile(r"[0-9]")
_HEX = re.compile(r"(?:0x)?([0-9a-fA-F]+)")
_SHOWN = re.compile(r"sha(?:256|384|512)-.*|AAAA.*|bc1[a-z0-9]+|[13][1-9A-HJ-NP-Za-km-z]{25,34}")
_LONG_SAME = re.compile(r"a{9}|A{9}|0{9}")
_CLASSES = str.maketrans(
    {chr(code): "a" for code in range(97, 123)}
    | {chr(code): "A" for code in range(65, 91)}
    | {chr(code): "0" for code in range(48, 58)}
    | dict.fromkeys("+/_-=", ".")
)
# Words that stand after a secret's name in code and prose, and are no secrets.
_WORDS = """str string bytes none null nil true false int any object optional text varchar undefined
required bool boolean [hidden] hidden secret password token"""
_NO_VALUES = frozenset(_WORDS.split())


def hide_secrets(text: str, parts: list[str] | None = None) -> tuple[str, int]:
    """Return `text` with each secret-shaped part replaced, and how many there were.

    What was replaced is added to `parts`.
    """
    hidden = 0
    digits = len(text) >= SHORTEST_CARD and _DIGIT.search(text) is not None
    for pattern, replacement in _steps(text, digits=digits):
        replaced = _replaced if "\n" not in text or pattern not in _AT_NAMES else _in_lines
        text, more = replaced(text, pattern, replacement, parts)
        hidden += more
    if digits and may_hold_card(text):
        text, more = hide_cards(text, MARKER, parts)
        hidden += more
    return text, hidden


def _steps(text: str, *, digits: bool) -> Sequence[_Step]:
    """Return what may apply to `text`, in order; nothing to most texts.

    `digits` says whether a text as long as a card number has any. Quick, for it is always run.
    INVARIANT: a pattern matches no text, nor what an earlier one leaves of it,
    without the signs and words that are looked for here.
    """
    folded = text.casefold()
    joined, dashed = ":" in text or "=" in text, "-" in text
    steps: list[_Step] = []
    if dashed and "-----begin " in folded:
        steps.append(_PRIVATE_KEY)
    if len(folded) >= _SHORTEST_KEY and patterns.may_hold_known_key(text):
        steps.append(_KNOWN_KEY)
    if "hooks.slack.com" in folded:
        steps.append(_WEBHOOK)
    if joined or dashed or " " in text or "\t" in text or "</" in text:
        steps += _worded(folded, joined=joined, dashed=dashed)
    if digits and len(folded) >= _SHORTEST_RUN:
        steps.append(_RUN)
    return steps


def _worded(folded: str, *, joined: bool, dashed: bool) -> Iterator[_Step]:
    """Yield what may apply because of a word, and signs between words."""
    blank = " " in folded or "\t" in folded
    named = (joined or (dashed and blank)) and _names(folded)
    if "://" in folded and "@" in folded:
        yield from (_URL_PASSWORD, _URL_USER)
    if "=" in folded:
        yield _QUERY
    if joined and ("authorization" in folded or "cookie" in folded or "x-" in folded):
        yield _HEADER
    if blank and "bearer" in folded:
        yield _BEARER
    if blank and "basic" in folded:
        yield _BASIC
    if named and joined:
        yield _ASSIGNED
    if blank or "</" in folded:
        yield from _told(folded)
    if named and dashed and blank:
        yield _FLAG
    if joined and dashed and "-u" in folded:
        yield _CURL_USER


def _told(folded: str) -> Iterator[_Step]:
    """Yield what may apply where a secret stands behind a word and a blank, or in a tag."""
    if "</" in folded and _names(folded):
        yield _TAGGED
    if (" is " in folded or " was " in folded or "\t" in folded) and _names(folded):
        yield _SPOKEN
    if ("'" in folded or '"' in folded) and ("password" in folded or "identified" in folded):
        yield _STATED
    if "sshpass" in folded or "mysql" in folded or "mariadb" in folded or "machine" in folded:
        yield _LOGGED_IN


def _replaced(
    text: str, pattern: re.Pattern[str], replacement: _Replacement, parts: list[str] | None
) -> tuple[str, int]:
    """Return `text` with the matches that are secrets replaced, and how many there were."""
    if pattern.search(text) is None:
        return text, 0
    count = 0

    def one(found: re.Match[str]) -> str:
        nonlocal count
        shown = replacement(found)
        count += shown is not None
        if parts is not None and shown is not None:
            parts.append(found[0][len(shown) - len(MARKER) :])
        return found[0] if shown is None else shown

    return pattern.sub(one, text), count


def _in_lines(
    text: str, pattern: re.Pattern[str], replacement: _Replacement, parts: list[str] | None
) -> tuple[str, int]:
    """Do as `_replaced`, and look only at lines that may hold one of the names of secrets.

    INVARIANT: a match holds such a name, and neither it nor what is looked at
    around it reaches into another line.
    """
    lines = text.split("\n")
    hidden = 0
    for at, folded in enumerate(text.casefold().split("\n")):
        if _names(folded):
            lines[at], more = _replaced(lines[at], pattern, replacement, parts)
            hidden += more
    return ("\n".join(lines) if hidden else text), hidden


def _whole(_: re.Match[str]) -> str:
    return MARKER


def _value(found: re.Match[str]) -> str:
    return found["kept"] + MARKER


def _bearer(found: re.Match[str]) -> str | None:
    """Return what hides a bearer token; "bearer tokens" in prose is none."""
    is_word = found["value"].isalpha() and len(found["value"]) < _SHORTEST_WORD_TOKEN
    return None if is_word else _value(found)


def _url_user(found: re.Match[str]) -> str | None:
    """Return what hides a token in the place of a name; names have seldom figures in them."""
    name = found["value"]
    figures = sum(map(str.isdigit, name))
    return _value(found) if figures > 1 and not name.isdigit() else None


def _basic(found: re.Match[str]) -> str | None:
    """Return what hides Basic credentials; "basic auth" in prose is none."""
    try:
        decoded = base64.b64decode(found["value"], validate=True)
    except binascii.Error:
        return None
    return _value(found) if b":" in decoded else None


def _assigned(found: re.Match[str]) -> str | None:
    """Return what hides an assigned value and keeps its opening quote."""
    value = found["value"]
    bare = value.lstrip("\\")
    opening = value[: len(value) - len(bare)] + bare[:1] * bare.startswith(('"', "'"))
    word = value[len(opening) :].lower().strip("\\.")
    counted = word.isdigit() and "tokens" in found["kept"].lower()
    return None if counted or word in _NO_VALUES else found["kept"] + opening + MARKER


def _curl_user(found: re.Match[str]) -> str | None:
    """Return what hides a password for curl; `docker run -u app:staff` has none."""
    before = found.string[max(0, found.start() - _CURL_BEFORE) : found.start()]
    return _value(found) if "curl" in before.casefold() else None


def _random(found: re.Match[str]) -> str | None:
    """Return what hides a run that looks random."""
    run = found[0].rstrip("=")
    if _SHOWN.fullmatch(run):
        return None
    hexadecimal = _HEX.fullmatch(run)
    if hexadecimal:
        digits = hexadecimal[1]
        plain = len(digits) in _DIGEST_LENGTHS or digits.isdigit() or digits.isalpha()
        return None if plain else MARKER
    return MARKER if _looks_random(run) else None


def _looks_random(run: str) -> bool:
    """Tell whether the classes of characters in `run` change as often as in random text."""
    classes = run.translate(_CLASSES)
    has_capitals = "A" in classes
    like_aws = len(run) == _AWS_SECRET and has_capitals and "a" in classes and "0" in classes
    if not like_aws and (classes.count("0") < _LEAST_DIGITS or _LONG_SAME.search(classes)):
        return False
    changes = sum(map(ne, classes, classes[1:])) / len(run)
    if like_aws or (has_capitals and "a" in classes):
        return changes >= _LEAST_CHANGES and classes.count(".") <= _MOST_SYMBOLS * len(run)
    return "." not in classes and changes >= _LEAST_CHANGES_WITHOUT_CAPITALS


def _names(folded: str) -> bool:
    """Tell whether one of the names of secrets may be in the text; unrolled, it is always run."""
    return (
        "pass" in folded
        or "token" in folded
        or "secret" in folded
        or "key" in folded
        or "credential" in folded
        or "session" in folded
        or "pwd" in folded
        or "jwt" in folded
        or "kennwort" in folded
        or "contrase" in folded
        or "senha" in folded
        or "wachtwoord" in folded
    )


_PRIVATE_KEY: _Step = (patterns.PRIVATE_KEY, _whole)
_KNOWN_KEY: _Step = (patterns.KNOWN_KEY, _whole)
_WEBHOOK: _Step = (patterns.WEBHOOK, _value)
_URL_PASSWORD: _Step = (patterns.URL_PASSWORD, _value)
_URL_USER: _Step = (patterns.URL_USER, _url_user)
_TAGGED: _Step = (patterns.TAGGED, _value)
_SPOKEN: _Step = (patterns.SPOKEN, _value)
_STATED: _Step = (patterns.STATED, _value)
_LOGGED_IN: _Step = (patterns.LOGGED_IN, _value)
_QUERY: _Step = (patterns.QUERY, _value)
_HEADER: _Step = (patterns.HEADER, _value)
_BEARER: _Step = (patterns.BEARER, _bearer)
_BASIC: _Step = (patterns.BASIC, _basic)
_ASSIGNED: _Step = (patterns.ASSIGNED, _assigned)
_FLAG: _Step = (patterns.FLAG, _assigned)
_CURL_USER: _Step = (patterns.CURL_USER, _curl_user)
_RUN: _Step = (patterns.RUN, _random)
_AT_NAMES = (patterns.ASSIGNED, patterns.TAGGED, patterns.SPOKEN, patterns.FLAG)
