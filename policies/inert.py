r"""Makes text from outside inert: what is invisible or reorders is shown as `\u{...}`."""

import re
import unicodedata
from functools import lru_cache

_SHOWN_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
# Blank or ignorable by the Unicode standard although categorised as letters, marks or symbols.
_FILLERS = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, 0x16FE4, 0x1D159}
    | set(range(0x180B, 0x1810))
    | set(range(0xFE00, 0xFE10))
    | set(range(0xE0000, 0xE1000))
)
_MARKS_KEPT = 4
_SPACES_KEPT = 3
_SPACES_KEPT_IN_LINES = 32
_INDENT_KEPT = 200
_BREAKS_KEPT = 3
_SUSPECT = re.compile(r"[^\x20-\x7e\n]+|\n+| {4,}|\\(?=u\{)")
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
    whole = inert(text)
    if len(whole) <= limit:
        return whole
    room = limit - len(_cut_off(len(text)))
    shown = ""
    kept = 0
    for piece, length in _pieces(text):
        if len(shown) + len(piece) > room:
            break
        shown += piece
        kept += length
    return shown + _cut_off(len(text) - kept)


def mixed_scripts(text: str) -> bool:
    """Tell whether a word mixes scripts with look-alike letters, as Latin and Cyrillic."""
    if text.isascii():
        return False
    return any(len(_scripts(word)) > 1 for word in _WORD.findall(text))


def hostile(text: str) -> list[str]:
    """Return what in `text` could mislead a reader, in words, each once; empty if nothing."""
    findings = []
    if _ESCAPE.search(inert(text.replace("\\", ""), multiline=True)):
        findings.append("invisible or control characters")
    if mixed_scripts(text):
        findings.append("letters of several scripts in one word")
    if any(unicodedata.bidirectional(letter) in {"R", "AL"} for letter in text):
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
    return _foreign(run, after=found.string[found.start() - 1 : found.start()])


def _spaces(found: re.Match[str], *, multiline: bool) -> str:
    """Return a long run of spaces as it is or counted."""
    count = len(found[0])
    kept = _SPACES_KEPT
    if multiline:
        opens_line = found.string[found.start() - 1 : found.start()] in {"", "\n"}
        kept = _INDENT_KEPT if opens_line else _SPACES_KEPT_IN_LINES
    return found[0] if count <= kept else _repeated(" ", count)


def _foreign(run: str, *, after: str) -> str:
    """Return a run of characters outside printable ASCII; `after` is the one before it."""
    shown = []
    on_letter, marks = after.isalpha(), 0
    for character in run:
        if unicodedata.category(character)[0] == "M":
            marks += 1
            visible = on_letter and marks <= _MARKS_KEPT and not _is_shown(character)
        else:
            visible = not _is_shown(character)
            on_letter, marks = visible and character.isalpha(), 0
        shown.append(character if visible else _escaped(character))
    return "".join(shown)


@lru_cache(maxsize=4096)
def _is_shown(character: str) -> bool:
    """Tell whether `character` is shown by its code point."""
    return unicodedata.category(character) in _SHOWN_CATEGORIES or ord(character) in _FILLERS


def _escaped(character: str) -> str:
    return f"\\u{{{ord(character):X}}}"


def _repeated(character: str, count: int) -> str:
    return f"\\u{{{ord(character):X}x{count}}}"


def _cut_off(count: int) -> str:
    return f"… {count} characters not shown"


def _pieces(text: str) -> list[tuple[str, int]]:
    """Return the indivisible parts of `inert(text)`, each with the characters it stands for."""
    pieces = []
    done = 0
    for found in _SUSPECT.finditer(text):
        pieces += [(character, 1) for character in text[done : found.start()]]
        shown = _shown(found, multiline=False)
        whole = _ESCAPE.fullmatch(shown) or found[0][0] in " \n"
        pieces += [(shown, len(found[0]))] if whole else _split(shown)
        done = found.end()
    return pieces + [(character, 1) for character in text[done:]]


def _split(shown: str) -> list[tuple[str, int]]:
    """Return the escapes and characters of one run of foreign characters."""
    return [(part, 1) for part in re.findall(r"\\u\{[0-9A-F]+\}|.", shown, re.DOTALL)]


def _scripts(word: str) -> set[str]:
    """Return which of the look-alike scripts the letters of `word` belong to."""
    scripts = set()
    for letter in word:
        name = unicodedata.name(letter, "")
        if letter not in _UNITS:
            scripts |= {
                script for script in _SCRIPTS if name.startswith((script, f"FULLWIDTH {script}"))
            }
    return scripts
