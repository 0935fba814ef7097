"""Reads YAML as a person wrote it: values with their styles, comments and blank lines."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.events import (
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from policies.values.problems import Place


@dataclass
class Scalar:
    """A text, number or word: `plain` is written without quotes, `block` are lines after `|`."""

    text: str
    plain: bool
    block: tuple[str, ...] = ()


@dataclass
class Entry:
    """A value with its key (None in a list), and what people wrote around it."""

    key: Scalar | None
    value: "Node"
    place: Place
    above: list[str] = field(default_factory=list)
    beside: str | None = None
    apart: bool = False


@dataclass
class Branch:
    """A map or a list; `flow` is written in brackets, within one line or several."""

    listed: bool
    flow: bool
    entries: list[Entry] = field(default_factory=list)


Node = Scalar | Branch
_VALUES = (ScalarEvent, MappingStartEvent, SequenceStartEvent)


@dataclass
class Tree:
    """A file: its root, the comments before and after it, whether a gap follows the first.

    `comments` are all there are, in the order of the file.
    """

    root: Node
    head: list[str]
    gap: bool
    foot: list[str]
    comments: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Comment:
    place: Place
    text: str
    alone: bool


def read_tree(text: str) -> Tree:
    """Return the tree of a text that `read_document` takes without problems."""
    found = list(_events(text))
    events = iter(found)
    first = next(event for event in events if isinstance(event, _VALUES))
    root = _node(first, events, text.split("\n"))
    entries = list(_entries(root, block=True))
    tree = Tree(root, [], gap=False, foot=[])
    lines = [line.rstrip("\r") for line in text.split("\n")]
    outside = [entry for entry, block in entries if block]
    places = [entry.place for entry in outside]
    begin = entries[0][0].place if entries else Place(len(lines), 1)
    for comment in _comments(lines, _spans(found)):
        tree.comments.append(comment.text)
        if comment.place < begin:
            tree.head += [*([""] if tree.gap else []), comment.text]
            tree.gap = not lines[comment.place.line].strip()
        else:
            _attach(comment, outside, bisect_left(places, comment.place), tree)
    for entry, block in entries[1:]:
        above = entry.place.line - 2 - len(entry.above)
        entry.apart = block and above >= 0 and not lines[above].strip()
    return tree


def _events(text: str) -> Iterator[Event]:
    yield from YAML(typ="safe", pure=True).parse(text)


def _node(event: Event, events: Iterator[Event], lines: Sequence[str]) -> Node:
    if isinstance(event, ScalarEvent):
        return Scalar(event.value, event.implicit[0], _block(event, lines))
    flow = isinstance(event, MappingStartEvent | SequenceStartEvent) and bool(event.flow_style)
    branch = Branch(isinstance(event, SequenceStartEvent), flow)
    for inner in events:
        if isinstance(inner, MappingEndEvent | SequenceEndEvent):
            break
        place = Place(inner.start_mark.line + 1, inner.start_mark.column + 1)
        key: Scalar | None = None
        if isinstance(inner, ScalarEvent) and not branch.listed:
            key = Scalar(inner.value, inner.implicit[0])
            inner = next(events)  # noqa: PLW2901 - a map's value follows its key
        branch.entries.append(Entry(key, _node(inner, events, lines), place))
    return branch


def _block(event: ScalarEvent, lines: Sequence[str]) -> tuple[str, ...]:
    """Return the header and the lines of a block text, without their indentation.

    It is empty for other texts, and where blanks or empty lines at an end mean something.
    """
    if event.style not in ("|", ">"):
        return ()
    begin = event.start_mark
    header = re.match(r"[|>][-+0-9]*", lines[begin.line][begin.column :])
    if header is None or re.search(r"[+0-9]", header[0]):
        return ()
    body = [line.rstrip("\r") for line in lines[begin.line + 1 : _last(event, lines)]]
    filled = [line for line in body if line.strip()]
    indent = min((len(line) - len(line.lstrip(" ")) for line in filled), default=0)
    if any(len(line) > indent and not line.strip() for line in body):
        return ()
    return (header[0], *(line[indent:] for line in body))


def _last(event: ScalarEvent, lines: Sequence[str]) -> int:
    """Return the index of the line after a block text's last one that is not blank."""
    last = int(event.end_mark.line)
    while last > event.start_mark.line + 1 and not lines[last - 1].strip():
        last -= 1
    return last


def _spans(events: Iterable[Event]) -> list[tuple[Place, Place]]:
    """Return where texts begin and end: no `#` in them begins a comment."""
    spans = []
    for event in events:
        if isinstance(event, ScalarEvent):
            begin = Place(event.start_mark.line + 1, event.start_mark.column + 1)
            if event.style in ("|", ">"):
                begin = Place(begin.line + 1, 1)
            spans.append((begin, Place(event.end_mark.line + 1, event.end_mark.column + 1)))
    return spans


def _comments(lines: Sequence[str], spans: Sequence[tuple[Place, Place]]) -> Iterator[_Comment]:
    begins = [begin for begin, _ in spans]
    for number, line in enumerate(lines, 1):
        for found in re.finditer(r"(?:^|(?<=\s))#", line):
            place = Place(number, found.start() + 1)
            before = bisect_right(begins, place)
            if before == 0 or place >= spans[before - 1][1]:
                alone = not line[: found.start()].strip(" \t-")
                yield _Comment(place, line[found.start() :].rstrip(), alone)
                break


def _entries(node: Node, *, block: bool) -> Iterator[tuple[Entry, bool]]:
    """Yield all entries in the order of the file, and whether they stand outside of brackets."""
    if isinstance(node, Branch):
        outside = block and not node.flow
        for entry in node.entries:
            yield entry, outside
            yield from _entries(entry.value, block=outside)


def comments_of(text: str) -> list[str]:
    """Return the comments of a text that `read_document` takes, sorted by their words."""
    lines = [line.rstrip("\r") for line in text.split("\n")]
    return sorted(comment.text for comment in _comments(lines, _spans(_events(text))))


def _attach(comment: _Comment, entries: Sequence[Entry], at: int, tree: Tree) -> None:
    """Give a comment to the entry that it stands beside or above: before `at`, or there."""
    if not comment.alone and at > 0 and entries[at - 1].beside is None:
        entries[at - 1].beside = comment.text
    elif at < len(entries):
        entries[at].above.append(comment.text)
    else:
        tree.foot.append(comment.text)
