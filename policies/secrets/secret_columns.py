"""Hides what stands in a column of secrets: in CSV, in tables of Markdown, in SQL's INSERT."""

import re

from policies.secrets.secret_names import names_a_secret

_INSERT = re.compile(
    r"\binsert[ \t\n]{1,8}into[ \t\n]{1,8}[^\s(]{1,200}[ \t\n]{0,8}"
    r"\(([^()]{1,2000})\)[ \t\n]{0,8}values[ \t\n]{0,8}",
    re.IGNORECASE,
)
_ROW = re.compile(r"\(([^()]{1,4000})\)[ \t\n]{0,8},?[ \t\n]{0,8}")
_CELL = re.compile(
    r"[ \t\n]{0,40}(?:[A-Za-z]?'((?:[^'\\]|''|\\.){0,2000})'|[^,'()]{1,500})[ \t\n]{0,40}(?:,|\Z)"
)
_RULE = re.compile(r"[|: \t-]{3,}")
_SHORT = 2000


def hide_inserted(text: str, marker: str, parts: list[str] | None) -> tuple[str, int]:
    """Return `text` without what `INSERT INTO … (…) VALUES` puts into columns of secrets.

    And how many values there were; they are added to `parts`.
    """
    shown, done, hidden = [], 0, 0
    for insert in _INSERT.finditer(text):
        columns = _secrets([name.strip('"`[] \t\n') for name in insert[1].split(",")])
        row = _ROW.match(text, insert.end()) if columns else None
        while row is not None:
            for at, cell in enumerate(_CELL.finditer(text, row.start(1), row.end(1))):
                if at in columns and cell[1] and cell[1] != marker:
                    shown += [text[done : cell.start(1)], marker]
                    done = cell.end(1)
                    hidden += 1
                    if parts is not None:
                        parts.append(cell[1])
            row = _ROW.match(text, row.end())
    return "".join([*shown, text[done:]]), hidden


def hide_below_heading(lines: list[str], at: int, marker: str, parts: list[str] | None) -> int:
    """Hide in `lines` the cells below the heading at `at`, where one in it names a secret.

    Returns how many there were.
    """
    sign, width, columns = _heading(lines[at], lines[at + 1])
    hidden = 0
    for below in range(at + 1, len(lines) if columns else 0):
        cells = lines[below].split(sign)
        if len(cells) != width:
            break
        for column in columns if _RULE.fullmatch(lines[below]) is None else ():
            cell = cells[column].strip(" \t\r\"'`")
            if cell and cell != marker:
                cells[column] = cells[column].replace(cell, marker)
                hidden += 1
                if parts is not None:
                    parts.append(cell)
        lines[below] = sign.join(cells)
    return hidden


def _heading(line: str, below: str) -> tuple[str, int, frozenset[int]]:
    """Return what parts the cells of a heading, how many there are, and which hold secrets."""
    if len(line) <= _SHORT:
        for sign in ("|", "\t", ";", ","):
            parting = line.count(sign)
            if parting and below.count(sign) == parting:
                cells = line.split(sign)
                columns = _secrets([cell.strip(" \t\r\"'`*") for cell in cells])
                if columns and all(_is_plain(cell) for cell in cells):
                    return sign, len(cells), columns
    return "", 0, frozenset()


def _is_plain(cell: str) -> bool:
    return not re.search(r"[=(){}<>:.$]", cell)


def _secrets(names: list[str]) -> frozenset[int]:
    return frozenset(
        at
        for at, name in enumerate(names)
        if name.replace("_", "").isalpha() and names_a_secret(name)
    )
