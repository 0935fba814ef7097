"""Says whether what one matcher speaks of lies within another, or apart from it, for certain."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from policies.values.matching import Glob, Matcher

_WILD = re.compile(r"[*?]")
_KEYS = ("server", "tool", "agent", "team", "on_behalf_of")


def includes(broad: Matcher, narrow: Matcher) -> bool:
    """Say whether `broad` fits every call that `narrow` fits; False where that is not certain."""
    if broad.risk is not None and (narrow.risk is None or not set(narrow.risk) <= set(broad.risk)):
        return False
    return all(_within(_globs(broad, key), _globs(narrow, key)) for key in _KEYS)


@dataclass(frozen=True)
class Span:
    """The calls that `match` fits and `exception` does not."""

    match: Matcher
    exception: Matcher | None

    @property
    def empty(self) -> bool:
        """Whether it holds no call, for certain."""
        return self.exception is not None and includes(self.exception, self.match)

    def holds(self, other: "Span") -> bool:
        """Say whether it holds every call of `other`, for certain."""
        if not includes(self.match, other.match):
            return False
        if self.exception is None or apart(self.exception, other.match):
            return True
        return other.exception is not None and includes(other.exception, self.exception)


class Broad:
    """Matchers by how the tools that they fit begin, so that few are compared with each other."""

    def __init__(self, matchers: Iterable[Matcher]) -> None:
        """Note each matcher under its number."""
        self._anything: list[int] = []
        self._beginning: dict[str, list[int]] = {}
        for number, matcher in enumerate(matchers):
            if matcher.tool is None:
                self._anything.append(number)
            for head in {_WILD.split(glob.pattern, maxsplit=1)[0] for glob in matcher.tool or ()}:
                self._beginning.setdefault(head, []).append(number)

    def near(self, narrow: Matcher) -> list[int]:
        """Return the numbers, in order, of all that may include `narrow`, and of some others."""
        found = [*self._anything]
        pattern = narrow.tool[0].pattern if narrow.tool else None
        for length in range(0 if pattern is None else len(pattern) + 1):
            found += self._beginning.get((pattern or "")[:length], ())
        return sorted(found)


def apart(one: Matcher, other: Matcher) -> bool:
    """Say whether no call can fit both."""
    if one.risk is not None and other.risk is not None and not set(one.risk) & set(other.risk):
        return True
    pairs = ((_globs(one, key), _globs(other, key)) for key in _KEYS)
    return any(
        ours is not None
        and theirs is not None
        and not any(overlap(a, b) for a, b in product(ours, theirs))
        for ours, theirs in pairs
    )


def _globs(matcher: Matcher, key: str) -> Sequence[Glob] | None:
    found: Sequence[Glob] | None = getattr(matcher, key)
    return found


def _within(broad: Sequence[Glob] | None, narrow: Iterable[Glob] | None) -> bool:
    if broad is None:
        return True
    if narrow is None:
        return False  # a key that is not given fits also what has no value for it
    return all(any(glob_includes(outer, inner) for outer in broad) for inner in narrow)


def glob_includes(broad: Glob, narrow: Glob) -> bool:
    """Say whether `broad` fits every text that `narrow` fits; False where that is not certain."""
    outer, inner = broad.pattern, narrow.pattern
    if broad.anything or outer == inner:
        return True
    if "*" not in inner and "?" not in inner:
        return broad.matches(inner)
    fixed = _WILD.split(outer)
    if not (inner.startswith(fixed[0]) and inner.endswith(fixed[-1])):
        return False  # what is fixed at either end has to be fixed there too
    fits = [False] * len(inner) + [True]
    for sign in reversed(outer):
        fits = _includes_from(sign, inner, fits)
    return fits[0]


def _includes_from(sign: str, inner: str, after: list[bool]) -> list[bool]:
    """Return, per end of `inner`, whether `sign` and what follows it (`after`) include it."""
    fits = [False] * (len(inner) + 1)
    for at in range(len(inner), -1, -1):
        if sign == "*":
            fits[at] = after[at] or (at < len(inner) and fits[at + 1])
        elif at < len(inner) and inner[at] != "*":
            fits[at] = after[at + 1] and sign in ("?", inner[at])
    return fits


def overlap(one: Glob, other: Glob) -> bool:
    """Say whether some text fits both."""
    if one.anything or other.anything:
        return True
    theirs = other.pattern
    fits = [all(sign == "*" for sign in theirs[at:]) for at in range(len(theirs) + 1)]
    for sign in reversed(one.pattern):
        fits = _overlaps_from(sign, theirs, fits)
    return fits[0]


def _overlaps_from(sign: str, theirs: str, after: list[bool]) -> list[bool]:
    fits = [False] * (len(theirs) + 1)
    for at in range(len(theirs), -1, -1):
        left = at < len(theirs)
        if sign == "*":
            fits[at] = after[at] or (left and fits[at + 1])
        elif left and theirs[at] == "*":
            fits[at] = fits[at + 1] or after[at]
        elif left:
            fits[at] = after[at + 1] and (sign == theirs[at] or "?" in (sign, theirs[at]))
    return fits
