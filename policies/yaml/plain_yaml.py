"""Reads the YAML that people mostly write, quickly; whatever else it meets it leaves to others.

It takes maps and lists by indentation, those in brackets within a line, plain words and simple
quotes, and comments. A map's entry that is written otherwise is read by the YAML parser, alone.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from policies.values.problems import Place
from policies.yaml.composing import Path, Value
from policies.yaml.plain_flow import FlowReader, Odd, unquoted
from policies.yaml.scalars import Unrepresentable, resolve

_STRANGE = re.compile(r"[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]")
_KEY = re.compile(
    r"""(?:(?P<plain>[A-Za-z0-9_][A-Za-z0-9_./*-]{0,99})|(?P<quoted>"[^"\\]{0,99}"|'[^']{0,99}'))"""
    r":(?: +|$)(?P<rest>.*)"
)
_PLAIN = re.compile(r"[A-Za-z0-9_./~($]")
_QUOTED = re.compile(r"""(?P<text>"(?:[^"\\]|\\["\\])*+"|'[^']*+') *+(?: #.*)?""")
_BLOCKS = frozenset({"|", ">", "|-", ">-"})
_DEEPEST = 20
_MOST_ODD, _LINES_PER_ODD = 10, 20


class Line(NamedTuple):
    """A line that says something: its number from 1, where it begins, and what it says."""

    number: int
    indent: int
    body: str


@dataclass
class Part:
    """What was read: values, and where each value and each key stands, by the path to it."""

    root: Value = None
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)


def read_plain(text: str, parsed: Callable[[str], Part | None]) -> Part | None:
    """Return what a text says, or None where it is not as people mostly write.

    What it returns is what the YAML parser would say of the text. `parsed` does
    that of an entry which is read alone; it returns None where that has any flaw.
    """
    if _STRANGE.search(text):
        return None
    reader = _Reader(text.split("\n"), parsed)
    try:
        return reader.whole()
    except (Odd, Unrepresentable):
        return None


class _Reader:
    """Reads the lines of one text."""

    def __init__(self, raw: list[str], parsed: Callable[[str], Part | None]) -> None:
        self._raw = raw
        self._parsed = parsed
        self._part = Part()
        self._lines = [
            Line(number, len(line) - len(body), body)
            for number, line in enumerate(raw, 1)
            if (body := line.lstrip(" ")) and body[0] != "#"
        ]
        self._lines.append(Line(len(raw) + 1, -1, ""))
        self._at = 0
        self._odd = _MOST_ODD + len(raw) // _LINES_PER_ODD

    def whole(self) -> Part:
        """Return all of it: a map."""
        first = self._lines[0]
        if first.body.startswith("{"):
            self._at = 1
            place = Place(first.number, first.indent + 1)
            self._part.root = self._inline((), first.body, place)
        else:
            self._part.root = self._map((), first.indent)
        if self._lines[self._at].indent >= 0:
            raise Odd
        return self._part

    def _map(self, path: Path, column: int) -> Value:
        """Return the map that begins at the line to read."""
        line = self._lines[self._at]
        self._part.values[path] = Place(line.number, column + 1)
        members: dict[str, Value] = {}
        while line.indent == column:
            found = _KEY.fullmatch(line.body)
            if found is None or len(path) > _DEEPEST:
                raise Odd
            key = found["plain"] or unquoted(found["quoted"])
            if key in members:
                raise Odd
            within = (*path, key)
            self._part.keys[within] = Place(line.number, column + 1)
            members[key] = self._entry(within, line, found)
            line = self._lines[self._at]
        if line.indent > column:
            raise Odd
        return members

    def _entry(self, path: Path, line: Line, found: re.Match[str]) -> Value:
        """Return the value of a key, and go to the line after it."""
        rest = found["rest"]
        if not rest or rest[0] == "#":
            return self._below(path, line)
        place = Place(line.number, line.indent + found.start("rest") + 1)
        if rest in _BLOCKS:
            return self._block(path, line, rest, place)
        try:
            value = self._inline(path, rest, place)
        except Odd:
            return self._alone(path, line)
        self._at += 1
        if self._lines[self._at].indent <= line.indent:
            return value
        self._at -= 1
        return self._alone(path, line)

    def _below(self, path: Path, line: Line) -> Value:
        """Return the value that begins on the line below that of a key."""
        below = self._lines[self._at + 1]
        listed = below.body.startswith("- ")
        if below.indent < line.indent or (below.indent == line.indent and not listed):
            raise Odd
        if not listed and not _KEY.fullmatch(below.body):
            return self._alone(path, line)
        self._at += 1
        return self._list(path, below.indent) if listed else self._map(path, below.indent)

    def _list(self, path: Path, column: int) -> Value:
        """Return the list that begins at the line to read."""
        line = self._lines[self._at]
        self._part.values[path] = Place(line.number, column + 1)
        items: list[Value] = []
        while line.indent == column and line.body.startswith("- "):
            items.append(self._item((*path, len(items)), line))
            line = self._lines[self._at]
        if line.indent > column:
            raise Odd
        return items

    def _item(self, path: Path, line: Line) -> Value:
        body = line.body[2:].lstrip(" ")
        column = line.indent + len(line.body) - len(body)
        if _KEY.fullmatch(body):
            self._lines[self._at] = Line(line.number, column, body)
            return self._map(path, column)
        value = self._inline(path, body, Place(line.number, column + 1))
        self._at += 1
        return value

    def _inline(self, path: Path, text: str, place: Place) -> Value:
        """Return the value that the rest of a line writes. Raises Odd."""
        sign = text[:1]
        if sign in ("{", "["):
            flow = FlowReader(text, place)
            value = flow.read(path)
            self._part.values |= flow.values
            self._part.keys |= flow.keys
            return value
        if sign in ('"', "'"):
            quoted = _QUOTED.fullmatch(text)
            if quoted is None:
                raise Odd
            self._part.values[path] = place
            return unquoted(quoted["text"])
        if not _PLAIN.match(text):
            raise Odd
        plain = text.partition(" #")[0].rstrip(" ")
        if ": " in plain or plain.endswith(":"):
            raise Odd
        self._part.values[path] = place
        return resolve(plain, plain=True)

    def _block(self, path: Path, line: Line, sign: str, place: Place) -> Value:
        """Return the text on the lines below a key, where all are indented alike."""
        self._at += 1
        first = self._at
        while self._lines[self._at].indent > line.indent:
            self._at += 1
        lines, after = self._lines[first : self._at], self._lines[self._at].number - 1
        texts = [each.body for each in lines]
        end = line.number + len(texts)
        alike = len({each.indent for each in lines}) == 1 and end < len(self._raw)
        if (
            not alike
            or any(text.endswith(" ") for text in texts)
            or self._raw[line.number : end] != [" " * lines[0].indent + text for text in texts]
            or any(self._raw[end:after])
        ):
            self._at = first - 1
            return self._alone(path, line)
        self._part.values[path] = place
        return (" " if sign[0] == ">" else "\n").join(texts) + ("" if sign[1:] else "\n")

    def _alone(self, path: Path, line: Line) -> Value:
        """Return the value of an entry that the YAML parser reads, and go to the line after it.

        There is no gain where these are many: then Odd is raised.
        """
        self._odd -= 1
        if self._odd < 0:
            raise Odd
        end = line.number
        while end < len(self._raw) and self._belongs(self._raw[end], line.indent):
            end += 1
        rest = self._raw[line.number : end]
        if any(each.isspace() for each in rest):
            raise Odd  # such lines make the parser take what follows a block in another way
        text = "\n".join([" " * line.indent + line.body, *rest])
        part = self._parsed(text + "\n" * (end < len(self._raw)))
        key = path[-1]
        if part is None or not isinstance(part.root, dict) or [*part.root] != [key]:
            raise Odd
        self._graft(path[:-1], part, line.number - 1)
        while self._lines[self._at].number <= end:
            self._at += 1
        return part.root[str(key)]

    @staticmethod
    def _belongs(line: str, column: int) -> bool:
        return not line.strip(" ") or len(line) - len(line.lstrip(" ")) > column

    def _graft(self, path: Path, part: Part, down: int) -> None:
        """Take over where the values and keys of an entry stand."""
        for taken, places in ((self._part.values, part.values), (self._part.keys, part.keys)):
            for inner, place in places.items():
                if inner:
                    taken[*path, *inner] = Place(place.line + down, place.column)
