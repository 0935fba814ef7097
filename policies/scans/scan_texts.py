"""Finds in what servers say hidden characters, and instructions that are aimed at the model."""

import re
import unicodedata
from collections.abc import Iterator

from policies.scans.aimed_patterns import AIMED
from policies.scans.scanned import Finding, SeenServer, Severity, texts
from policies.secrets.secret_shapes import hide_secrets
from policies.values.inert import mixed_scripts

_LONGEST = 200_000
"""Characters of one text that are looked at."""
_QUOTED = 160
_AROUND = 50

_BIDIRECTIONAL = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_TAGS = re.compile("[\U000e0000-\U000e007f]+")
_INVISIBLE = re.compile(
    "[\u00ad\u115f\u1160\u180b-\u180e\u200b-\u200c\u2060-\u2064\u206a-\u206f\u3164\ufeff\uffa0"
    "\U000e0100-\U000e01ef\U0001d173-\U0001d17a]"
)
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_FIRST_TAG = 0xE0000
_LAST_CONTROL = 0xE001F
_HIDDEN = (
    (_TAGS, Severity.CRITICAL, "text in characters that nobody sees"),
    (_BIDIRECTIONAL, Severity.HIGH, "characters that reorder what is read"),
    (_CONTROLS, Severity.HIGH, "control characters"),
    (_INVISIBLE, Severity.HIGH, "characters that nobody sees"),
)
_BLANKS = re.compile(r"\s+")


def in_texts(server: SeenServer) -> Iterator[Finding]:
    """Yield what is hidden or aimed at the model in all that a server says."""
    for place, text in texts(server.told, "instructions"):
        yield from _in_text(server.name, "", place, text)
    for seen in server.tools:
        for place, text in texts({**seen.said}):
            yield from _in_text(server.name, seen.tool.name, place, text)


def _in_text(server: str, tool: str, place: str, text: str) -> Iterator[Finding]:
    text = text[:_LONGEST]
    if not text.isascii() or _CONTROLS.search(text):
        yield from _hidden(server, tool, place, text)
    plain = _plain(text)
    told = set()
    for pattern, severity, what in AIMED:
        found = pattern.search(plain)
        if found is not None and what not in told:
            told.add(what)
            quoted = quotation(plain, found.start(), found.end())
            yield Finding(severity, "aimed-at-model", server, tool, place, what, quoted)


def _hidden(server: str, tool: str, place: str, text: str) -> Iterator[Finding]:
    for pattern, severity, what in _HIDDEN:
        found = pattern.search(text)
        if found is not None:
            quoted = quotation(text, found.start(), found.end())
            if pattern is _TAGS:
                quoted = f"{_untagged(found[0])[:_QUOTED]} (hidden)"
            yield Finding(severity, "hidden-characters", server, tool, place, what, quoted)
    if mixed_scripts(text):
        grave = Severity.HIGH if place in {"name", "title"} else Severity.MEDIUM
        what = "letters of several scripts in one word"
        quoted = quotation(text, 0, _QUOTED)
        yield Finding(grave, "mixed-scripts", server, tool, place, what, quoted)


def _untagged(tags: str) -> str:
    """Return the ASCII that tag characters stand for (Unicode, block Tags)."""
    return "".join(chr(ord(tag) - _FIRST_TAG) for tag in tags if ord(tag) > _LAST_CONTROL)


def _plain(text: str) -> str:
    """Return a text as a model reads it: with what is hidden, in plain letters and blanks."""
    if text.isascii():
        return _BLANKS.sub(" ", text)
    text = _TAGS.sub(lambda found: f" {_untagged(found[0])} ", text)
    for pattern in (_BIDIRECTIONAL, _INVISIBLE):
        text = pattern.sub("", text)
    return _BLANKS.sub(" ", unicodedata.normalize("NFKC", text)).replace("\u2019", "'")


def quotation(text: str, start: int, end: int) -> str:
    """Return the part of a text with what is around it, on one line, without secrets."""
    begin = max(0, start - _AROUND)
    shown, _ = hide_secrets(text[begin : max(end, start + 1) + _AROUND])
    line = _BLANKS.sub(" ", ("…" if begin else "") + shown.strip())
    return line if len(line) <= _QUOTED else f"{line[: _QUOTED - 1]}…"
