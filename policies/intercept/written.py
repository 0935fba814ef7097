"""What an imported source comes to: rules, limits and hidden tools, ready to be written."""

from dataclasses import dataclass
from datetime import timedelta

from policies.intercept.notes import Note
from policies.rules.decisions import Effect


@dataclass(frozen=True)
class WrittenRule:
    """A rule of the new policy; `tool` is a pattern or several, None for every tool."""

    name: str
    tool: str | tuple[str, ...] | None
    effect: Effect
    line: int
    besides: tuple[str, ...] = ()
    when: str | None = None
    message: str | None = None
    expires_in: timedelta | None = None


@dataclass(frozen=True)
class WrittenLimit:
    """A limit of the new policy: calls, or the sum of an argument, within a time.

    `tool` is a pattern, None for all tools of a server together; `sum` is CEL.
    """

    name: str
    tool: str | None
    at_most: int
    within: timedelta
    line: int
    sum: str | None = None
    message: str | None = None


@dataclass(frozen=True)
class Source:
    """One file as it will be carried over; `server` is None where it speaks of every server."""

    file: str
    server: str | None
    description: str
    hidden: tuple[str, ...]
    rules: tuple[WrittenRule, ...]
    limits: tuple[WrittenLimit, ...]
    notes: tuple[Note, ...]
    unlisted: Effect
