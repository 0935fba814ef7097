"""Hides what stands in the lines below a secret's name: in blocks of YAML, lists and tables."""

import re

from policies.secrets.secret_columns import hide_below_heading
from policies.secrets.secret_patterns import NAMES

_HEAD = re.compile(
    rf"{NAMES}[\"']?[ \t]{{0,8}}[:=][ \t]{{0,8}}"
    r"(?:[|>][+-]?[0-9]?|\"\"\"|\'\'\')?[ \t]{0,8}\r?\Z",
    re.IGNORECASE,
)
_ENTRY = re.compile(
    r"([ \t]{0,40}(?:-[ \t])?[\"']?)"
    r"((?=[^\s\"']{0,200}?[0-9])[^\s\"'`$(){}<>|;&,\\\[\]:]{6,200}+)([\"']?[ \t]{0,8}\r?)"
)
_ENDS = (":", "=", "|", ">", "-", "+", '"""', "'''")


def hide_below(lines: list[str], at: int, marker: str, parts: list[str] | None) -> int:
    """Hide in `lines` what belongs to the secret's name in the one at `at`; return how many.

    In a block these are lines of one word with a digit in it, so that no command is
    hidden; in a table, cells.
    """
    if at + 1 == len(lines):
        return 0
    line = lines[at]
    if not line.rstrip().endswith(_ENDS) or _HEAD.search(line) is None:
        return hide_below_heading(lines, at, marker, parts)
    hidden = 0
    for below in range(at + 1, len(lines)):
        entry = _ENTRY.fullmatch(lines[below])
        if entry is None:
            break
        if entry[2] != marker:
            lines[below] = f"{entry[1]}{marker}{entry[3]}"
            hidden += 1
            if parts is not None:
                parts.append(entry[2])
    return hidden
