"""Reads what is written in another way: base64, percent-encoding, entities, unseen characters."""

import base64
import binascii
import html
import json
import re
import unicodedata
from collections.abc import Callable
from typing import TypeAlias

Hide: TypeAlias = Callable[[str, list[str] | None], tuple[str, int]]
"""Returns a text without its secrets, and how many there were; adds them to the list."""

_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]"
)
_STRING = re.compile(r'(?<!\\)"[^"\\\n]*+(?:\\.[^"\\\n]*+)++"')
_ESCAPED = re.compile(r"\\u00([2-7][0-9a-fA-F])")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_ENTITY = re.compile(r"&(?:#[0-9x]|quot;|apos;|amp;|lt;|gt;|nbsp;|colon;|equals;)")
_COMPONENT = re.compile(r"[A-Za-z0-9._~+*!'()%-]{3,}+")
_PERCENT = re.compile(r"((?:%[0-9A-Fa-f]{2})+)")
_KEPT = re.compile(rb"[^A-Za-z0-9._~+*!'()\[\]-]")
_MOST_LAYERS = 3
_PAIR = re.compile(r"[^\s:/\x00-\x1f]{1,100}:(?!//|[0-9]{1,5}\Z)[^\x00-\x20\x7f]{3,200}")


def hide_encoded(text: str, hide: Hide, parts: list[str] | None) -> tuple[str, int]:
    """Return `text` without the secrets that show only where it is read in another way.

    Where there are any, unseen characters, entities and escapes of `text` are left out
    or resolved; what is percent-encoded stays so.
    """
    hidden = 0
    if not text.isascii() and not _is_plain(text):
        text, hidden = _if_more(text, _seen(text), hide, parts)
    if "\x1b" in text:
        text, more = _if_more(text, _COLOURS.sub("", text), hide, parts)
        hidden += more
    if "\\" in text:
        text, more = _escaped(text, hide, parts)
        hidden += more
    if "&" in text and ";" in text and _ENTITY.search(text):
        text, more = _if_more(text, html.unescape(text), hide, parts)
        hidden += more
    if "%" in text:
        text, more = _percent(text, hide, parts)
        hidden += more
    return text, hidden


def hide_in_strings(text: str, hide: Hide, parts: list[str] | None) -> tuple[str, int]:
    """Return `text` without the secrets in those of its strings of JSON that have escapes."""
    hidden = 0

    def one(found: re.Match[str]) -> str:
        nonlocal hidden
        try:
            read = json.loads(found[0], strict=False)
        except ValueError:
            return found[0]
        shown, more = hide(read, parts)
        hidden += more
        return json.dumps(shown, ensure_ascii=found[0].isascii()) if more else found[0]

    return _STRING.sub(one, text), hidden


def _escaped(text: str, hide: Hide, parts: list[str] | None) -> tuple[str, int]:
    """Hide what shows where escapes outside of strings are read."""
    hidden = 0
    if "\\n" in text and "\n" not in text:
        shown, hidden = hide(text.replace("\\n", "\n").replace("\\t", "\t"), parts)
        if hidden:
            text = shown.replace("\n", "\\n")
    if "\\u00" in text:
        text, more = _if_more(text, _ESCAPED.sub(_unescaped, text), hide, parts)
        hidden += more
    return text, hidden


def unpacked(run: str) -> str | None:
    """Return the text that `run` is the base64 of (RFC 4648), None where it is of none."""
    run = run.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        text = base64.b64decode(run + "=" * (-len(run) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (
        text if text.replace("\n", "").replace("\r", "").replace("\t", "").isprintable() else None
    )


def is_pair(text: str) -> bool:
    """Tell whether `text` is a name and a password with a colon between (RFC 7617)."""
    return _PAIR.fullmatch(text) is not None


def _if_more(text: str, read: str, hide: Hide, parts: list[str] | None) -> tuple[str, int]:
    """Return what is left of `read` where secrets show in it, else `text`."""
    if read == text:
        return text, 0
    shown, hidden = hide(read, parts)
    return (shown, hidden) if hidden else (text, 0)


def _is_plain(text: str) -> bool:
    """Tell quickly of most texts of Western Europe that `_seen` has nothing to do."""
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return "\u00ad" not in text and "\u00a0" not in text


def _seen(text: str) -> str:
    return unicodedata.normalize("NFKC", _UNSEEN.sub("", text))


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))


def _percent(text: str, hide: Hide, parts: list[str] | None) -> tuple[str, int]:
    hidden = 0

    def one(found: re.Match[str]) -> str:
        nonlocal hidden
        if "%" not in found[0]:
            return found[0]
        read, layers = _decoded(found[0])
        shown, more = hide(read, parts)
        hidden += more
        for _ in range(layers if more else 0):
            shown = _encoded(shown)
        return shown if more else found[0]

    return _COMPONENT.sub(one, text), hidden


def _decoded(component: str) -> tuple[str, int]:
    """Return what is percent-encoded (RFC 3986, section 2.1), at most three times over."""
    layers = 0
    while layers < _MOST_LAYERS and _PERCENT.search(component):
        component = _PERCENT.sub(
            lambda found: bytes.fromhex(found[0].replace("%", "")).decode(errors="replace"),
            component,
        )
        layers += 1
    return component, layers


def _encoded(text: str) -> str:
    return _KEPT.sub(lambda found: b"%%%02X" % found[0][0], text.encode()).decode()
