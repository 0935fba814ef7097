"""Says in lines what changed between two definitions of a tool."""

from collections.abc import Iterator

from policies.calls import JsonValue
from policies.strict_json import NotStrict, canonical, parse

_MOST_LEVELS = 40


def differences(before: str, after: str) -> list[str]:
    """Return what changed from one definition to another (both canonical JSON), a line each.

    `+` is new, `-` is gone; a changed text stands line by line, without the
    lines that stayed. The lines hold what the server wrote: make them inert
    before they are shown. An empty `before` makes everything new.
    """
    old, new = _read(before), _read(after)
    return list(_differences("", old, new, 0)) or ["nothing that can be shown differs"]


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


def _items(path: str, old: list[JsonValue], new: list[JsonValue]) -> Iterator[str]:
    """Yield the items of two lists that only one has; their order is said to differ if it does."""
    before, after = [canonical(item) for item in old], [canonical(item) for item in new]
    gone = [item for item in before if item not in set(after)]
    come = [item for item in after if item not in set(before)]
    yield from (f"- {path}[]: {item}" for item in gone)
    yield from (f"+ {path}[]: {item}" for item in come)
    if not gone and not come:
        yield f"- {path}: {canonical(old)}"
        yield f"+ {path}: {canonical(new)}"


def _texts(path: str, old: str, new: str) -> Iterator[str]:
    """Yield the lines of two texts that only one has; their ends are part of them."""
    before, after = old.split("\n"), new.split("\n")
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
