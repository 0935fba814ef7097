"""Composes plain values from the events of a YAML parser, without recursion."""

from dataclasses import dataclass, field

from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from policies.values.problems import InvalidDocument, Place, Problem
from policies.yaml.scalars import Unrepresentable, resolve
from policies.yaml.yaml_problems import trick_problem

Scalar = str | int | float | bool | None
Value = Scalar | list["Value"] | dict[str, "Value"]
"""A value of a file."""
Path = tuple[str | int, ...]
"""The keys and indexes that lead from a file's root to a value."""

_DEEPEST = 40


@dataclass
class _Open:
    """A map or list whose end is not read yet."""

    path: Path
    value: list[Value] | dict[str, Value]
    key: str | None = None
    expects_key: bool = True
    skip: bool = False


@dataclass
class Composer:
    """Builds values from the events of the YAML parser, without recursion."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    faulty: set[Path] = field(default_factory=set)
    stack: list[_Open] = field(default_factory=list)
    root: Value = None
    documents: int = 0

    def take(self, event: Event) -> None:
        """Take the parser's next event."""
        place = Place(event.start_mark.line + 1, event.start_mark.column + 1)
        match event:
            case DocumentStartEvent():
                self._begin(event, place)
            case DocumentEndEvent() | SequenceEndEvent() | MappingEndEvent():
                self._end(event)
            case ScalarEvent() | AliasEvent() | SequenceStartEvent() | MappingStartEvent():
                self._node(event, place)
            case _:
                pass

    def finish(self) -> None:
        """Check that something was read. Raises InvalidDocument where that is nothing."""
        if self.documents == 0:
            raise InvalidDocument(
                [
                    Problem(
                        self.file,
                        1,
                        1,
                        "the file is empty",
                        "write `version: 1` and go on from there",
                    )
                ]
            )

    def _begin(self, event: DocumentStartEvent, place: Place) -> None:
        self.documents += 1
        if self.documents > 1:
            self._report(
                place, "a second document begins here", "keep one document to a file: remove `---`"
            )
            raise InvalidDocument(self.problems)
        if event.version or event.tags:
            self._report(
                place,
                "directives (`%YAML`, `%TAG`) are not allowed",
                "remove them: files are YAML 1.2",
            )

    def _end(self, event: Event) -> None:
        if not isinstance(event, DocumentEndEvent):
            self.stack.pop()

    def _node(self, event: Event, place: Place) -> None:
        self._refuse_tricks(event, place)
        top = self.stack[-1] if self.stack else None
        if top is not None and isinstance(top.value, dict) and top.expects_key:
            self._key(top, event, place)
            return
        self._value(top, event, place)

    def _refuse_tricks(self, event: Event, place: Place) -> None:
        anchor, tag = getattr(event, "anchor", None), getattr(event, "ctag", None)
        if isinstance(event, AliasEvent):
            self._report(place, *trick_problem("*", f"*{anchor}"))
            return
        if anchor:
            self._report(place, *trick_problem("&", f"&{anchor}"))
        if tag:
            short = str(tag).replace("tag:yaml.org,2002:", "!!")
            self._report(place, *trick_problem("!", short))

    def _key(self, top: _Open, event: Event, place: Place) -> None:
        top.expects_key = False
        top.skip = True
        top.key = None
        if isinstance(event, AliasEvent):
            return
        if not isinstance(event, ScalarEvent):
            self._report(place, "a key must be text", "write a plain word as the key")
            self._open(event, (*top.path, "?"))
            return
        assert isinstance(top.value, dict)
        path = (*top.path, event.value)
        if event.value == "<<" and event.implicit[0]:
            self._report(place, "merge keys (`<<`) are not allowed", "write the keys out here")
            return
        if event.value in top.value:
            first = self.keys[path]
            self._report(
                place,
                f"the key `{event.value}` is here twice",
                f"keep one: the first is on line {first.line}",
            )
            return
        top.skip, top.key = False, event.value
        self.keys[path] = place

    def _value(self, top: _Open | None, event: Event, place: Place) -> None:
        path = self._path(top)
        if getattr(event, "ctag", None):
            self.faulty.add(path)
        value = self._built(event, path, place)
        self._attach(top, path, value, place)
        self._open(event, path, value)

    def _path(self, top: _Open | None) -> Path:
        if top is None:
            return ()
        if isinstance(top.value, list):
            return (*top.path, len(top.value))
        return (*top.path, "?" if top.key is None else top.key)

    def _built(self, event: Event, path: Path, place: Place) -> Value:
        match event:
            case SequenceStartEvent():
                return []
            case MappingStartEvent():
                return {}
            case ScalarEvent():
                try:
                    return resolve(event.value, plain=event.implicit[0])
                except Unrepresentable:
                    self._report(
                        place,
                        "the number has too many digits",
                        "write a smaller number, or text in quotes",
                    )
        self.faulty.add(path)
        return None

    def _attach(self, top: _Open | None, path: Path, value: Value, place: Place) -> None:
        if top is None:
            self.root = value
            self.values[path] = place
            return
        top.expects_key = True
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.skip or top.key is None:
            return
        else:
            top.value[top.key] = value
        self.values[path] = place

    def _open(self, event: Event, path: Path, value: Value = None) -> None:
        if not isinstance(event, SequenceStartEvent | MappingStartEvent):
            return
        if len(self.stack) >= _DEEPEST:
            place = Place(event.start_mark.line + 1, event.start_mark.column + 1)
            self._report(place, "maps and lists are nested too deeply", "keep them under 40 levels")
            raise InvalidDocument(self.problems)
        opened: list[Value] | dict[str, Value] = (
            value if isinstance(value, list | dict) else _fresh(event)
        )
        self.stack.append(_Open(path, opened))

    def _report(self, place: Place, what: str, instead: str) -> None:
        self.problems.append(Problem(self.file, place.line, place.column, what, instead))


def _fresh(event: Event) -> list[Value] | dict[str, Value]:
    return [] if isinstance(event, SequenceStartEvent) else {}
