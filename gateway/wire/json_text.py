"""Takes JSON text apart by member and changes single members, all else byte for byte."""

import json
import re
from collections.abc import Container, Mapping
from json.decoder import scanstring  # type: ignore[attr-defined]  # public in CPython, unknown to typeshed

_BLANK = re.compile(r"[ \t\r\n]*")


def _ignore(_: object) -> None:
    """Keep nothing: only where values end is of interest."""


_DECODER = json.JSONDecoder(
    object_pairs_hook=_ignore, parse_int=_ignore, parse_float=_ignore, parse_constant=_ignore
)
_SCAN = _DECODER.scan_once  # type: ignore[attr-defined]  # the C scanner, unknown to typeshed


class NotAnObject(Exception):
    """The text is not one JSON object, or not one array where that is asked for."""


class TooDeep(NotAnObject):
    """What is in the text nests too deep to be read."""


def members(text: str) -> dict[str, slice]:
    """Return where in `text`, one JSON object, the value of each member is.

    Of members with one name the last counts. Raises NotAnObject.
    """
    try:
        return _members(text)
    except RecursionError:
        raise TooDeep from None
    except (ValueError, StopIteration, IndexError):
        raise NotAnObject from None


def elements(text: str) -> list[slice]:
    """Return where in `text`, one JSON array, each element is. Raises NotAnObject."""
    try:
        return _elements(text)
    except (ValueError, StopIteration, IndexError, RecursionError):
        raise NotAnObject from None


def text_member(text: str, name: str) -> str | None:
    """Return the member `name` of the object `text` where it is a string."""
    try:
        value = text[members(text)[name]]
    except (NotAnObject, KeyError):
        return None
    return str(json.loads(value)) if value.startswith('"') else None


def with_members(text: str, added: Mapping[str, str]) -> str:
    """Return the object `text` with the members of `added` (JSON texts) in front that it lacks."""
    present = members(text)
    new = [f"{json.dumps(name)}:{value}" for name, value in added.items() if name not in present]
    if not new:
        return text
    opening = text.index("{") + 1
    rest = "," * bool(present)
    return f"{text[:opening]}{','.join(new)}{rest}{text[opening:]}"


def with_member(text: str, name: str, value: str) -> str:
    """Return the object `text` with `value` (JSON text) in the place of the member `name`."""
    place = members(text)[name]
    return f"{text[: place.start]}{value}{text[place.stop :]}"


def without_member(text: str, name: str) -> str:
    """Return the object `text` without one member, all else byte for byte. Raises KeyError."""
    places = members(text)
    value = places[name]
    stop = value.stop
    before = [place.stop for place in places.values() if place.stop < value.start]
    if not before and len(places) > 1:
        stop = _after_blank(text, stop) + 1  # the comma goes with it
    return text[: max(before, default=text.index("{") + 1)] + text[stop:]


def without_elements(text: str, dropped: Container[int]) -> str:
    """Return the array `text` without the elements at these places, all else byte for byte.

    An element goes with what parts it from the one before it. Raises NotAnObject.
    """
    places = elements(text)
    kept = [place for place in range(len(places)) if place not in dropped]
    if len(kept) == len(places):
        return text
    first = places[0].start
    between = [text[places[at - 1].stop : places[at].start] for at in kept[1:]]
    parts = [text[places[at]] for at in kept]
    whole = "".join(part for pair in zip(["", *between], parts, strict=False) for part in pair)
    return f"{text[:first]}{whole}{text[places[-1].stop :]}"


def without(text: str, dropped: frozenset[str]) -> str:
    """Return the object `text` without the members named in `dropped`."""
    present = members(text)
    if dropped.isdisjoint(present):
        return text
    kept = [f"{json.dumps(n)}:{text[at]}" for n, at in present.items() if n not in dropped]
    return "{" + ",".join(kept) + "}"


def _elements(text: str) -> list[slice]:
    found: list[slice] = []
    at = _after_blank(text, 0)
    _expect(text, at, "[")
    at = _after_blank(text, at + 1)
    if text[at] != "]":
        while True:
            start = at
            _, at = _SCAN(text, start)
            found.append(slice(start, at))
            at = _after_blank(text, at)
            if text[at] == "]":
                break
            _expect(text, at, ",")
            at = _after_blank(text, at + 1)
    if _after_blank(text, at + 1) != len(text):
        raise ValueError
    return found


def _members(text: str) -> dict[str, slice]:
    found: dict[str, slice] = {}
    at = _after_blank(text, 0)
    _expect(text, at, "{")
    at = _after_blank(text, at + 1)
    if text[at] != "}":
        while True:
            _expect(text, at, '"')
            name, at = scanstring(text, at + 1, True)  # noqa: FBT003 (takes no keywords)
            at = _after_blank(text, at)
            _expect(text, at, ":")
            start = _after_blank(text, at + 1)
            _, at = _SCAN(text, start)
            found[name] = slice(start, at)
            at = _after_blank(text, at)
            if text[at] == "}":
                break
            _expect(text, at, ",")
            at = _after_blank(text, at + 1)
    if _after_blank(text, at + 1) != len(text):
        raise ValueError
    return found


def _after_blank(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    assert blank is not None
    return blank.end()


def _expect(text: str, at: int, character: str) -> None:
    if text[at] != character:
        raise ValueError
