"""Reads YAML 1.2 text into plain values that remember where they stand."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import ScalarEvent

from policies.values.problems import InvalidDocument, Place, Problem
from policies.yaml.composing import Composer, Path, Value
from policies.yaml.plain_yaml import Part, read_plain
from policies.yaml.scalar_places import place_inside
from policies.yaml.yaml_problems import syntax_problem

_ESCAPE = re.compile(r"\\U(?!00(?:0[0-9A-Fa-f]|10))")
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
        text = str(self.at(path))
        before = sum(len(each) + 1 for each in text.split("\n")[: line - 1])
        return place_inside(self.text.split("\n"), self.place(path), before + column - 1)

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
    plain = read_plain(text, _parsed)
    if plain is not None:
        return Document(file, plain.root, plain.values, plain.keys, problems=(), text=text)
    composer = Composer(file)
    try:
        _compose(text, composer)
    except MarkedYAMLError as error:
        raise InvalidDocument([*composer.problems, syntax_problem(file, error)]) from None
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


def _compose(text: str, composer: Composer) -> None:
    for event in YAML(typ="safe", pure=True).parse(text):
        composer.take(event)


def _parsed(text: str) -> Part | None:
    """Return what a part of a file says; None where there is anything wrong with it."""
    composer = Composer("")
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            if isinstance(event, ScalarEvent) and event.value == "" and event.implicit[0]:
                return None  # where nothing stands depends on what follows the part
            composer.take(event)
    except Exception:  # noqa: BLE001 - whatever it is, it is found again where the whole file is read
        return None
    if composer.problems or composer.faulty or composer.documents != 1:
        return None
    return Part(composer.root, composer.values, composer.keys)


def _unreadable(file: str, text: str) -> Problem:
    for index, character in enumerate(text):
        if not (character.isprintable() or character in "\t\n\r"):
            line = text.count("\n", 0, index) + 1
            column = index - text.rfind("\n", 0, index)
            what = f"the character U+{ord(character):04X} is not allowed"
            return Problem(
                file, line, column, what, "remove it, or write it as an escape in double quotes"
            )
    escape = _ESCAPE.search(text)
    at = escape.start() if escape else 0
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    what = "not YAML: an escape or a number in it cannot be read"
    return Problem(file, line, column, what, "mend the escapes in quoted text")
