"""Reads YAML 1.2 text into plain values that remember where they stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StringMark

from policies.composing import Composer, Path, Value
from policies.problems import InvalidDocument, Place, Problem

LONGEST = 1_000_000
"""Characters a file may have."""


@dataclass(frozen=True)
class Document:
    """A file's values, and where each value and each key stands.

    `root` is what the YAML says; a path is the keys and indexes that lead
    from it to a value. Problems that do not stop the reading (duplicate keys,
    anchors) are in `problems`.
    """

    file: str
    root: Value
    values: Mapping[Path, Place]
    keys: Mapping[Path, Place]
    problems: Sequence[Problem]
    faulty: frozenset[Path] = frozenset()
    text: str = ""

    def place(self, path: Path) -> Place:
        """Return where the value at `path` stands, or the nearest thing around it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.values:
                return self.values[path[:length]]
        return Place(1, 1)

    def key(self, path: Path) -> Place:
        """Return where the key of `path` stands, or else its value."""
        return self.keys.get(path) or self.place(path)

    def inside(self, path: Path, line: int, column: int) -> Place:
        """Return where line and column (from 1) of the text at `path` stand in the file."""
        begin = self.place(path)
        lines = self.text.split("\n")
        sign = lines[begin.line - 1][begin.column - 1 : begin.column]
        if sign == "|" and begin.line + line <= len(lines):
            source = lines[begin.line + line - 1]
            return Place(begin.line + line, len(source) - len(source.lstrip(" ")) + column)
        if sign != ">" and line == 1:
            return Place(begin.line, begin.column + column - 1 + (sign in "\"'"))
        return begin

    def at(self, path: Path) -> Value:
        """Return the value at `path`, or None where nothing is."""
        value = self.root
        for step in path:
            match value, step:
                case dict(), str():
                    value = value.get(step)
                case list(), int() if step < len(value):
                    value = value[step]
                case _:
                    return None
        return value

    def problem(self, place: Place, what: str, instead: str) -> Problem:
        """Return a problem of this file."""
        return Problem(self.file, place.line, place.column, what, instead)


def read_document(text: str, *, file: str) -> Document:
    """Return the values of one YAML 1.2 document, with their places.

    Raises InvalidDocument where the text is not YAML, is empty, too long
    (1,000,000 characters) or too deep (40 levels), or holds several documents.
    Anchors, aliases, tags and duplicate keys are reported in `problems`.
    """
    if len(text) > LONGEST:
        raise InvalidDocument(
            [Problem(file, 1, 1, "the file is too long", "keep it under 1,000,000 characters")]
        )
    composer = Composer(file)
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            composer.take(event)
    except MarkedYAMLError as error:
        raise InvalidDocument([*composer.problems, _syntax(file, error)]) from None
    except InvalidDocument:
        raise
    except Exception:  # noqa: BLE001 - the YAML scanner raises anything on hostile text (OverflowError, ReaderError)
        raise InvalidDocument([*composer.problems, _unreadable(file, text)]) from None
    composer.finish()
    return Document(
        file=file,
        root=composer.root,
        values=composer.values,
        keys=composer.keys,
        problems=tuple(composer.problems),
        faulty=frozenset(composer.faulty),
        text=text,
    )


def _syntax(file: str, error: MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    what = f"not YAML: {error.problem or error.context or 'the text ends too early'}"
    line, column = (mark.line + 1, mark.column + 1) if isinstance(mark, StringMark) else (1, 1)
    return Problem(
        file, line, column, what, "mend the line; quote values that hold `: `, `#` or brackets"
    )


def _unreadable(file: str, text: str) -> Problem:
    for index, character in enumerate(text):
        if not (character.isprintable() or character in "\t\n\r"):
            line = text.count("\n", 0, index) + 1
            column = index - text.rfind("\n", 0, index)
            what = f"the character U+{ord(character):04X} is not allowed"
            return Problem(
                file, line, column, what, "remove it, or write it as an escape in double quotes"
            )
    return Problem(
        file,
        1,
        1,
        "not YAML: an escape or a number in it cannot be read",
        "mend the escapes in quoted text",
    )
