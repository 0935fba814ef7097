"""Lays out what a command prints: tables for people, JSON for machines."""

import json
import re
from collections.abc import Iterator, Sequence

_GAP = 2

_LABEL = 17

_BLANK = 30
"""Spaces in a row at most: longer runs are shown by their count where text is made inert."""

_UNSAFE_IN_JSON = re.compile(r"u\{|\x7f| {4,}")


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table; a cell without text shows as `-`."""
    cells = [list(titles), *([text or "-" for text in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(titles))]
    for row in cells:
        *padded, last = row
        yield (
            "".join(_padded(text, width) for text, width in zip(padded, widths, strict=False))
            + last
        )


def _padded(text: str, width: int) -> str:
    missing = width - len(text)
    if missing <= _BLANK - _GAP:
        return text + " " * (missing + _GAP)
    dots = re.sub(rf" {{{_BLANK}}}", " " * (_BLANK - 1) + ".", " " * missing)
    return text + dots + " " * _GAP


def labelled(label: str, lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines of one detail, the first one after its label."""
    first, *more = lines or ("",)
    yield f"    {label:<{_LABEL}}{first}".rstrip()
    for line in more:
        yield f"    {'':<{_LABEL}}{line}"


def machine(value: object) -> str:
    r"""Return `value` as one line of JSON in ASCII that making it inert leaves as it is.

    Times, models and the like have to be JSON already. `\u{` and long blanks
    inside of strings are written as escapes.
    """
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return _UNSAFE_IN_JSON.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    kept = "u" if found[0] == "u{" else ""
    return kept + "".join(f"\\u{ord(each):04x}" for each in found[0].removeprefix(kept))
