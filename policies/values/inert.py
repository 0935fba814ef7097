r"""Makes text from outside inert: what is invisible or reorders is shown as `\u{...}`."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

_SHOWN_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
# Blank or ignorable by the Unicode standard although categorised as letters, marks or symbols.
_FILLERS = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, 0x16FE4, 0x1D159}
    | set(range(0x180B, 0x1810))
    | set(range(0xFE00, 0xFE10))
)
_TAGS = range(0xE0000, 0xE1000)
_MARKS_KEPT = 4
_SPACES_KEPT = 3
_SPACES_KEPT_IN_LINES = 32
_INDENT_KEPT = 200
_BREAKS_KEPT = 3
# Letters of common scripts, passed over at once; whatever is not here is looked at singly.
_LETTERS = (
    r"\xc0-\xd6\xd8-\xf6\xf8-\u0233\u0391-\u03a1\u03a3-\u03a9\u03b1-\u03c9\u0400-\u0481"
    r"\u048a-\u0527\u05d0-\u05ea\u0621-\u063a\u0641-\u064a\u3041-\u3096\u30a1-\u30fa"
    r"\u4e00-\u9fcc\uac00-\ud7a3"
)
_SUSPECT = re.compile(rf"[^\x20-\x7e\n{_LETTERS}]+|\n+| {{4,}}|\\(?=u\{{)")
_ANYTHING_SUSPECT = re.compile(r"[^\x20-\x7e]| {4}|\\u\{")
_ESCAPE = re.compile(r"\\u\{[0-9A-F]+(?:x[0-9]+)?\}")
_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC")
_WORD = re.compile(r"\w{2,}")
# Units and mathematics put these beside Latin letters: μs, kΩ, Δt.
_UNITS = frozenset("μΩΔπλΣ")


def inert(text: str, *, multiline: bool = False) -> str:
    r"""Return `text` with nothing in it that is invisible, reorders or drives a terminal.

    Such characters appear as `\u{200B}`: controls, formats, private, unassigned
    and surrogate code points, every blank but U+0020, fillers, variation
    selectors, tags, combining marks without a letter and those after the
    fourth in a row. A run of more than 3 spaces appears as `\u{20x12}`. With
    `multiline`, line feeds stay (up to 3 in a row) and so do runs of up to 32
    spaces. A backslash before `u{` appears as `\u{5C}`, so what the text said
    itself can be told from what was replaced: different texts stay different.
    """
    if not _ANYTHING_SUSPECT.search(text):
        return text
    return _SUSPECT.sub(lambda found: _shown(found, multiline=multiline), text)


def inert_line(text: str, limit: int) -> str:
    """Return `text` inert, on one line, of at most `limit` characters.

    What is cut off is counted at the end: "… 41210 characters not shown"; so
    no limit below 40 is kept to.
    """
    shown: list[str] = []
    size = kept = fitting = fitting_kept = 0
    room = limit - len(_cut_off(len(text)))
    for piece, stands_for in _pieces(text, limit):
        shown.append(piece)
        size += len(piece)
        kept += stands_for
        if size <= room:
            fitting, fitting_kept = len(shown), kept
        if size > limit:
            return "".join(shown[:fitting]) + _cut_off(len(text) - fitting_kept)
    return "".join(shown)


def mixed_scripts(text: str) -> bool:
    """Tell whether a word mixes scripts with look-alike letters, as Latin and Cyrillic."""
    if text.isascii():
        return False
    for word in _WORD.findall(text):
        if not word.isascii() and len({_script(letter) for letter in word} - {""}) > 1:
            return True
    return False


def hostile(text: str) -> list[str]:
    """Return what in `text` could mislead a reader, in words, each once; empty if nothing."""
    findings = []
    if _ESCAPE.search(inert(text.replace("\\", ""), multiline=True)):
        findings.append("invisible or control characters")
    if mixed_scripts(text):
        findings.append("letters of several scripts in one word")
    if not text.isascii() and not {"R", "AL"}.isdisjoint(map(unicodedata.bidirectional, text)):
        findings.append("right-to-left letters")
    return findings


def _shown(found: re.Match[str], *, multiline: bool) -> str:
    """Return what stands for one suspect run of `found.string`."""
    run = found[0]
    if run == "\\":
        return _escaped("\\")
    if run[0] == " ":
        return _spaces(found, multiline=multiline)
    if run[0] == "\n":
        if multiline and len(run) <= _BREAKS_KEPT:
            return run
        return _escaped("\n") if len(run) == 1 else _repeated("\n", len(run))
    return "".join(_foreign(run, after=found.string[found.start() - 1 : found.start()]))


def _spaces(found: re.Match[str], *, multiline: bool) -> str:
    """Return a long run of spaces as it is or counted."""
    count = len(found[0])
    kept = _SPACES_KEPT
    if multiline:
        opens_line = found.string[found.start() - 1 : found.start()] in {"", "\n"}
        kept = _INDENT_KEPT if opens_line else _SPACES_KEPT_IN_LINES
    return found[0] if count <= kept else _repeated(" ", count)


def _foreign(run: str, *, after: str) -> Iterator[str]:
    """Yield what stands for each character outside printable ASCII; `after` is the one before."""
    on_letter, marks = after.isalpha(), 0
    for character in run:
        kind = _kind(character)
        if kind == "M":
            marks += 1
            visible = on_letter and marks <= _MARKS_KEPT
        else:
            marks = 0
            visible = kind != ""
            on_letter = kind == "L"
        yield character if visible else _escaped(character)


@lru_cache(maxsize=65536)
def _kind(character: str) -> str:
    """Return the first letter of a character's category; nothing for one that is to be shown."""
    category = unicodedata.category(character)
    code = ord(character)
    if category in _SHOWN_CATEGORIES or code in _FILLERS or code in _TAGS:
        return ""
    return category[0]


def _escaped(character: str) -> str:
    return f"\\u{{{ord(character):X}}}"


def _repeated(character: str, count: int) -> str:
    return f"\\u{{{ord(character):X}x{count}}}"


def _cut_off(count: int) -> str:
    return f"… {count} characters not shown"


def _pieces(text: str, most: int) -> Iterator[tuple[str, int]]:
    """Yield the indivisible parts of `inert(text)`, each with how many characters it stands for.

    Of a stretch without anything suspect no more than `most` + 1 characters matter.
    """
    done = 0
    for found in _SUSPECT.finditer(text):
        for character in text[done : min(found.start(), done + most + 1)]:
            yield character, 1
        if found[0][0] in " \n\\":
            yield _shown(found, multiline=False), len(found[0])
        else:
            after = text[found.start() - 1 : found.start()]
            for part in _foreign(found[0], after=after):
                yield part, 1
        done = found.end()
    for character in text[done : done + most + 1]:
        yield character, 1


@lru_cache(maxsize=65536)
def _script(letter: str) -> str:
    """Return which of the look-alike scripts a letter belongs to, if any."""
    name = unicodedata.name(letter, "").removeprefix("FULLWIDTH ")
    if letter in _UNITS:
        return ""
    return next((script for script in _SCRIPTS if name.startswith(script)), "")
