"""Finds where the characters of a text stand in the file that writes it over several lines."""

from collections.abc import Iterator, Sequence

from policies.values.problems import Place

_ESCAPED = {"x": 2, "u": 4, "U": 8}


def place_inside(lines: Sequence[str], begin: Place, offset: int) -> Place:
    """Return where the character at `offset` of the text that begins at `begin` stands.

    `lines` are those of the file. The text may be plain, quoted, or a block
    (YAML 1.2.2, chapters 7.3 and 8.1). Beyond its end, its last place is returned.
    """
    sign = lines[begin.line - 1][begin.column - 1 : begin.column]
    if sign in ("|", ">"):
        places = _block(lines, begin.line, folded=sign == ">")
    else:
        places = _flow(lines, begin, sign if sign in ('"', "'") else "")
    last = begin
    for index, place in enumerate(places):
        last = place
        if index == offset:
            break
    return last


def _block(lines: Sequence[str], header: int, *, folded: bool) -> Iterator[Place]:
    """Yield the places of a block's characters; a line end counts as one."""
    indent: int | None = None
    for number in range(header + 1, len(lines) + 1):
        line = lines[number - 1].rstrip("\r")
        blank = not line.strip()
        if indent is None and not blank:
            indent = len(line) - len(line.lstrip(" "))
        begin = indent or 0
        if not blank and line[:begin].strip():
            return
        text = line[begin:]
        yield from (Place(number, begin + at + 1) for at in range(len(text)))
        if not (folded and blank):
            yield Place(number, begin + len(text) + 1)


def _flow(lines: Sequence[str], begin: Place, quote: str) -> Iterator[Place]:
    """Yield the places of a plain or quoted text's characters; a fold counts as one."""
    number, column = begin.line, begin.column - 1 + len(quote)
    while number <= len(lines):
        line = lines[number - 1].rstrip("\r").rstrip()
        while column < len(line):
            step = _step(line, column, quote)
            if step == 0:
                yield Place(number, column + 1)
                return
            yield Place(number, column + 1)
            column += step
        yield Place(number, len(line) + 1)
        number += 1
        while number <= len(lines) and not lines[number - 1].strip():
            number += 1
        if number <= len(lines):
            column = len(lines[number - 1]) - len(lines[number - 1].lstrip())


def _step(line: str, column: int, quote: str) -> int:
    """Return how many characters of the file one of the text takes, 0 at the closing quote."""
    if quote == "'" and line[column] == "'":
        return 2 if line[column + 1 : column + 2] == "'" else 0
    if quote == '"' and line[column] == '"':
        return 0
    if quote == '"' and line[column] == "\\":
        return 2 + _ESCAPED.get(line[column + 1 : column + 2], 0)
    return 1
