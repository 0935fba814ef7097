"""Small checks that together say what JSON a block may be.

A check takes a value and its JSON pointer and yields what is wrong in Slack's words.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Problem:
    """One thing Slack refuses, and where it is (a JSON pointer)."""

    message: str
    pointer: str

    def __str__(self) -> str:
        return f"{self.message} [json-pointer:{self.pointer}]"


Check = Callable[[Any, str], Iterator[Problem]]


def text(most: int, least: int = 1) -> Check:
    """Accept a string of `least` to `most` characters."""

    def check(value: Any, pointer: str) -> Iterator[Problem]:
        if not isinstance(value, str):
            yield Problem("must be a string", pointer)
        elif len(value) < least:
            yield Problem(f"must be more than {least - 1} characters", pointer)
        elif len(value) > most:
            yield Problem(f"must be less than {most + 1} characters", pointer)

    return check


def choice(*values: str) -> Check:
    """Accept one of these strings."""

    def check(value: Any, pointer: str) -> Iterator[Problem]:
        if value not in values:
            yield Problem(f"must be one of: {', '.join(values)}", pointer)

    return check


def boolean(value: Any, pointer: str) -> Iterator[Problem]:
    """Accept true and false."""
    if not isinstance(value, bool):
        yield Problem("must be a boolean", pointer)


def anything(_value: Any, _pointer: str) -> Iterator[Problem]:
    """Accept any value."""
    yield from ()


def whole(least: int, most: int) -> Check:
    """Accept an integer from `least` to `most`."""

    def check(value: Any, pointer: str) -> Iterator[Problem]:
        if not isinstance(value, int) or isinstance(value, bool):
            yield Problem("must be an integer", pointer)
        elif not least <= value <= most:
            yield Problem(f"must be between {least} and {most}", pointer)

    return check


def items(each: Check, most: int, least: int = 1) -> Check:
    """Accept an array of `least` to `most` values that `each` accepts."""

    def check(value: Any, pointer: str) -> Iterator[Problem]:
        if not isinstance(value, list):
            yield Problem("must be an array", pointer)
            return
        if len(value) > most:
            yield Problem(f"no more than {most} items allowed", pointer)
        if len(value) < least:
            yield Problem(f"no fewer than {least} items allowed", pointer)
        for index, item in enumerate(value):
            yield from each(item, f"{pointer}/{index}")

    return check


def members(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """Accept an object with the required members, maybe the optional ones, and no others."""
    known = {**required, **(optional or {}), "type": text(100)}

    def check(value: Any, pointer: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield Problem("must be an object", pointer)
            return
        for name in required:
            if name not in value:
                yield Problem(f"missing required field: {name}", pointer)
        for name, member in value.items():
            if name in known:
                yield from known[name](member, f"{pointer}/{name}")
            else:
                yield Problem(f"invalid additional property: {name}", pointer)

    return check


def by_type(kinds: Mapping[str, Check]) -> Check:
    """Accept an object whose `type` is among `kinds` and that its check accepts."""

    def check(value: Any, pointer: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield Problem("must be an object", pointer)
        elif not isinstance(value.get("type"), str):
            yield Problem("missing required field: type", pointer)
        elif value["type"] not in kinds:
            yield Problem(f"unsupported type: {value['type']}", pointer)
        else:
            yield from kinds[value["type"]](value, pointer)

    return check


def both(first: Check, second: Check) -> Check:
    """Accept what `first` accepts and, if that found nothing, `second` accepts too."""

    def check(value: Any, pointer: str) -> Iterator[Problem]:
        wrong = list(first(value, pointer))
        yield from wrong or second(value, pointer)

    return check
