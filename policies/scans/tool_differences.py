"""Says in lines what changed between two definitions of a tool."""

from collections.abc import Iterator
from difflib import SequenceMatcher

from policies.values.calls import JsonValue
from policies.values.strict_json import NotStrict, canonical, parse

_MOST_LEVELS = 40
_MOST_COMPARED = 40_000
"""Pairs of lines that are compared to find what moved."""
_MEMBERS = (
    "title",
    "description",
    "inputSchema",
    "outputSchema",
    "annotations",
    "icons",
    "execution",
    "_meta",
)
"""What a tool object consists of (schema 2025-11-25 and 2026-07-28), its name aside."""

OTHER_MEMBERS = "other members"
"""Stands for members that MCP does not know: their names are whatever a server likes."""


def differences(before: str, after: str) -> list[str]:
    """Return what changed from one definition to another (both canonical JSON), a line each.

    `+` is new, `-` is gone; a changed text stands line by line, without the
    lines that stayed. The lines hold what the server wrote: make them inert
    before they are shown. An empty `before` makes everything new.
    """
    old, new = _read(before), _read(after)
    return list(_differences("", old, new, 0)) or ["nothing that can be shown differs"]


def changed_members(before: str, after: str) -> tuple[str, ...]:
    """Return which members of a tool object differ between two definitions (canonical JSON)."""
    old, new = _read(before), _read(after)
    if not isinstance(old, dict) or not isinstance(new, dict):
        return (OTHER_MEMBERS,)
    changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    known = tuple(member for member in _MEMBERS if member in changed)
    return known if changed <= set(_MEMBERS) else (*known, OTHER_MEMBERS)


def _read(text: str) -> JsonValue:
    if not text:
        return {}
    try:
        return parse(text.encode())
    except (NotStrict, UnicodeEncodeError):
        return text


def _differences(path: str, old: JsonValue, new: JsonValue, level: int) -> Iterator[str]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict) and level < _MOST_LEVELS:
        for key in sorted(old.keys() | new.keys()):
            here = f"{path}.{key}" if path else key
            if key not in new:
                yield from _lines("-", here, old[key])
            elif key not in old:
                yield from _lines("+", here, new[key])
            else:
                yield from _differences(here, old[key], new[key], level + 1)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _items(path, old, new)
    elif isinstance(old, str) and isinstance(new, str):
        yield from _texts(path, old, new)
    else:
        yield from _lines("-", path, old)
        yield from _lines("+", path, new)


def text_differences(path: str, before: str, after: str) -> list[str]:
    """Return what changed from one text to another: the lines that only one of them has."""
    return list(_texts(path, before, after))


def _items(path: str, old: list[JsonValue], new: list[JsonValue]) -> Iterator[str]:
    """Yield the items of two lists that only one has; their order is said to differ if it does."""
    before, after = [canonical(item) for item in old], [canonical(item) for item in new]
    had, has = set(before), set(after)
    gone = [item for item in before if item not in has]
    come = [item for item in after if item not in had]
    yield from (f"- {path}[]: {item}" for item in gone)
    yield from (f"+ {path}[]: {item}" for item in come)
    if not gone and not come:
        yield f"- {path}: {canonical(old)}"
        yield f"+ {path}: {canonical(new)}"


def _texts(path: str, old: str, new: str) -> Iterator[str]:
    """Yield the lines of two texts that only one has; of long texts, all between equal ends."""
    before, after = old.split("\n"), new.split("\n")
    if len(before) * len(after) > _MOST_COMPARED:
        yield from _between_ends(path, before, after)
        return
    for kind, start, stop, other, end in SequenceMatcher(
        None, before, after, autojunk=False
    ).get_opcodes():
        if kind != "equal":
            yield from (f"- {path}: {line}" for line in before[start:stop])
            yield from (f"+ {path}: {line}" for line in after[other:end])


def _between_ends(path: str, before: list[str], after: list[str]) -> Iterator[str]:
    same_start = 0
    while same_start < min(len(before), len(after)) and before[same_start] == after[same_start]:
        same_start += 1
    same_end = 0
    while (
        same_end < min(len(before), len(after)) - same_start
        and before[-1 - same_end] == after[-1 - same_end]
    ):
        same_end += 1
    yield from (f"- {path}: {line}" for line in before[same_start : len(before) - same_end])
    yield from (f"+ {path}: {line}" for line in after[same_start : len(after) - same_end])


def _lines(sign: str, path: str, value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield from (f"{sign} {path}: {line}" for line in value.split("\n"))
    else:
        yield f"{sign} {path}: {canonical(value)}"
