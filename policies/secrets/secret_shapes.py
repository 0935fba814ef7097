"""Hides secrets by their shape inside longer text, in time linear in its length.

Shown on purpose, because they are everyday names of things and approvers need
them: UUIDs, hexadecimal strings of the lengths of common digests (32, 40, 56,
64, 96, 128) that nothing before them calls a key, subresource digests
(`sha256-…`), SSH public keys, and addresses of Bitcoin and Ethereum.
"""

import re
from typing import Final

from policies.secrets import secret_patterns as patterns
from policies.secrets import secret_steps
from policies.secrets.card_numbers import SHORTEST_CARD, hide_cards, may_hold_card
from policies.secrets.encoded_texts import hide_encoded, hide_in_strings, is_pair, unpacked
from policies.secrets.key_shapes import SHORTEST_RUN, is_hexadecimal, is_key
from policies.secrets.secret_columns import hide_inserted
from policies.secrets.secret_lines import hide_below
from policies.secrets.secret_steps import (
    APART,
    NAMED,
    Replacement,
    line_steps,
    names_secrets,
    steps,
)
from policies.secrets.seed_phrases import FEWEST, hide_seeds

MARKER: Final = secret_steps.MARKER
"""Stands where a secret was."""

_SHORTEST = 12
_SHORTEST_PHRASE = 4 * FEWEST - 1
_SHORTEST_TOLD = 10
_PLAIN = re.compile(r"[A-Za-z0-9._/-]*")
_DIGIT = re.compile(r"[0-9]")
_APART = re.compile(r"[\"']\s*\n\s*:|[\"']\s*:\s*\n")
_WINDOW = 3


def hide_secrets(text: str, parts: list[str] | None = None) -> tuple[str, int]:
    """Return `text` with each secret-shaped part replaced, and how many there were.

    What was replaced is added to `parts`.
    """
    if len(text) < _SHORTEST and (text.isalnum() or _PLAIN.fullmatch(text)) and text.isascii():
        return text, 0
    odd = "%" in text or "&" in text or "\\" in text or "\x1b" in text or not text.isascii()
    return _read(text, parts) if odd else _hide(text, parts)


def _read(text: str, parts: list[str] | None) -> tuple[str, int]:
    """Do as `hide_secrets`, with a text that may have to be read in another way."""
    within = 0
    if "\\" in text and '"' in text:
        text, within = hide_in_strings(text, hide_secrets, parts)
    text, hidden = _hide(text, parts)
    text, more = hide_encoded(text, _hide, parts)
    return text, within + hidden + more


def _hide(text: str, parts: list[str] | None) -> tuple[str, int]:
    """Do as `hide_secrets`, with a text that is read as it stands."""
    hidden = 0
    length = len(text)
    folded = text.casefold()
    digits = length >= _SHORTEST_TOLD and _DIGIT.search(text) is not None
    if length >= _SHORTEST_PHRASE:
        text, hidden = hide_seeds(text, MARKER, parts)
    for pattern, replacement in steps(text, folded):
        text, more = _replaced(text, pattern, replacement, parts)
        hidden += more
    if "\n" in text:
        text, more = _in_lines(text, folded, parts, digits=digits)
        hidden += more
    elif " " in text or ":" in text or "=" in text or "</" in text or "'" in text or "\t" in text:
        text, more = _in_line(text, folded, parts, digits=digits)
        hidden += more
    if digits and length >= SHORTEST_CARD:
        text, more = _numbered(text, folded, parts)
        hidden += more
    return text, hidden


def _numbered(text: str, folded: str, parts: list[str] | None) -> tuple[str, int]:
    """Hide what has digits in it: runs that are keys, base64 of secrets, and card numbers."""
    hidden = 0
    if len(text) >= SHORTEST_RUN:
        text, hidden = _replaced(text, patterns.RUN, _run, parts)
    if folded != text and _may_be_packed(text, folded):
        text, more = _replaced(text, patterns.PACKED, _packed, parts)
        hidden += more
    if may_hold_card(text):
        text, more = hide_cards(text, MARKER, parts)
        hidden += more
    return text, hidden


def _may_be_padded(text: str) -> bool:
    return (
        text.endswith("=")
        or "= " in text
        or '="' in text
        or "==" in text
        or "=\n" in text
        or "=\r" in text
    )


def _may_be_packed(text: str, folded: str) -> bool:
    """Tell whether base64 may be in `text`: padded, all of it, or where credentials are."""
    return (
        ("=" in text and _may_be_padded(text))
        or "auth" in folded
        or (" " not in text and patterns.PACKED.fullmatch(text) is not None)
    )


def _in_line(text: str, folded: str, parts: list[str] | None, *, digits: bool) -> tuple[str, int]:
    """Hide what stands within a line because of a word in it; `digits` says whether it has any."""
    hidden = 0
    named = names_secrets(folded)
    if named:
        text, hidden = _over_lines(text, folded, parts)
    for pattern, replacement in line_steps(folded, named=named, digits=digits):
        text, more = _replaced(text, pattern, replacement, parts)
        hidden += more
    return text, hidden


def _replaced(
    text: str, pattern: re.Pattern[str], replacement: Replacement, parts: list[str] | None
) -> tuple[str, int]:
    """Return `text` with the matches that are secrets replaced, and how many there were."""
    found = pattern.search(text)
    if found is None:
        return text, 0
    pieces: list[str] = []
    done = 0
    while found is not None:
        shown = replacement(found)
        if shown is not None and shown != found[0]:
            pieces += (text[done : found.start()], shown)
            done = found.end()
            if parts is not None:
                parts.append(found[0][len(shown) - len(MARKER) :])
        found = pattern.search(text, found.end())
    return ("".join([*pieces, text[done:]]), len(pieces) // 2) if pieces else (text, 0)


def _in_lines(text: str, folded: str, parts: list[str] | None, *, digits: bool) -> tuple[str, int]:
    """Hide what stands in single lines because of a word in them, and below such lines.

    INVARIANT: what is looked for needs one of the words and signs in its own line.
    """
    named = names_secrets(folded)
    if not named and not line_steps(folded, named=False, digits=digits):
        return text, 0
    hidden = 0
    if named and "values" in folded and "into" in folded:
        text, hidden = hide_inserted(text, MARKER, parts)
    lines = text.split("\n")
    for at in range(len(lines)):
        line = lines[at].casefold()
        names = named and names_secrets(line)
        if names:
            hidden += _from_line(lines, at, parts)
        if names or line_steps(line, named=False, digits=digits):
            lines[at], more = _in_line(
                lines[at], line, parts, digits=digits and _DIGIT.search(line) is not None
            )
            hidden += more
    return ("\n".join(lines) if hidden else text), hidden


def _from_line(lines: list[str], at: int, parts: list[str] | None) -> int:
    """Hide what stands below a line with a secret's name in it; return how much."""
    hidden = hide_below(lines, at, MARKER, parts)
    window = "\n".join(lines[at : at + _WINDOW])
    shown, more = _over_lines(window, window.casefold(), parts)
    if more:
        lines[at : at + _WINDOW] = shown.split("\n")
    return hidden + more


def _over_lines(text: str, folded: str, parts: list[str] | None) -> tuple[str, int]:
    """Hide values that may stand in another line than their names, in JSON, YAML, XML and SQL."""
    hidden = 0
    if "\n" in text and _APART.search(text) is not None:
        text, hidden = _replaced(text, *APART, parts)
    if "value" in folded or "default" in folded:
        text, more = _replaced(text, *NAMED, parts)
        hidden += more
        if "into" in folded:
            text, more = hide_inserted(text, MARKER, parts)
            hidden += more
    return text, hidden


def _run(found: re.Match[str]) -> str | None:
    """Return what hides a run that is a key or the base64 of a secret; other base64 stays."""
    run = found[0]
    text = None if is_hexadecimal(run) else unpacked(run)
    if text is None:
        key = is_key(run.rstrip("="), found.string, found.start(), found.end())
        return MARKER if key else None
    return _told(text)


def _packed(found: re.Match[str]) -> str | None:
    """Return what hides the base64 of a name and a password, or of a text with a secret."""
    text = unpacked(found[0])
    return None if text is None else _told(text)


def _told(text: str) -> str | None:
    return MARKER if is_pair(text) or hide_secrets(text)[1] else None
