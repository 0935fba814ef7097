"""Says whether a call is one that a rule speaks of."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from policies.values.calls import Risk


class Subject(NamedTuple):
    """What a matcher looks at; `team` is the team that owns the tool.

    A tuple, as one is made and looked up for every call.
    """

    server: str
    tool: str
    agent: str
    team: str
    on_behalf_of: str | None
    risk: Risk


@dataclass(frozen=True)
class Glob:
    """A pattern of the whole text: `*` is any run, `?` any one character; case counts.

    Matching looks for each piece between stars once, from left to right, so
    its time grows with the text and the pattern, never with their powers.
    """

    pattern: str

    def matches(self, text: str) -> bool:
        """Say whether the whole `text` fits the pattern."""
        first, *rest = self.pattern.split("*")
        if not rest:
            return len(text) == len(first) and _fits(first, text, 0)
        *middle, last = rest
        end = len(text) - len(last)
        if end < len(first) or not _fits(first, text, 0) or not _fits(last, text, end):
            return False
        at = len(first)
        for piece in middle:
            at = _find(piece, text, at, end)
            if at < 0:
                return False
        return True

    @property
    def anything(self) -> bool:
        """Whether every text fits."""
        return set(self.pattern) == {"*"}

    @property
    def weight(self) -> int:
        """How many characters it fixes: the larger, the more specific."""
        return len(self.pattern) - self.pattern.count("*")


def _fits(piece: str, text: str, at: int) -> bool:
    if "?" not in piece:
        return text.startswith(piece, at)
    return all(want in ("?", text[at + index]) for index, want in enumerate(piece))


def _find(piece: str, text: str, start: int, end: int) -> int:
    """Return where `piece` first ends between `start` and `end`, or -1.

    With `?` in it, one bit for each of its characters says whether what came
    last fits up to there (Baeza-Yates and Gonnet, 1992): one step a character.
    """
    if "?" not in piece:
        found = text.find(piece, start, end)
        return found + len(piece) if found >= 0 else -1
    anything, wanted = 0, dict[str, int]()
    for place, sign in enumerate(piece):
        if sign == "?":
            anything |= 1 << place
        else:
            wanted[sign] = wanted.get(sign, 0) | 1 << place
    whole, fitting = 1 << (len(piece) - 1), 0
    for at in range(start, end):
        fitting = (fitting << 1 | 1) & (wanted.get(text[at], 0) | anything)
        if fitting & whole:
            return at + 1
    return -1


@dataclass(frozen=True)
class Matcher:
    """The keys of `match`, `except` or `grants.never`; None where a key is not given."""

    server: tuple[Glob, ...] | None = None
    tool: tuple[Glob, ...] | None = None
    agent: tuple[Glob, ...] | None = None
    team: tuple[Glob, ...] | None = None
    on_behalf_of: tuple[Glob, ...] | None = None
    risk: tuple[Risk, ...] | None = None

    def matches(self, subject: Subject) -> bool:
        """Say whether every key that is given fits; no keys fit everything."""
        return (
            _any(self.server, subject.server)
            and _any(self.tool, subject.tool)
            and _any(self.agent, subject.agent)
            and _any(self.team, subject.team)
            and _any(self.on_behalf_of, subject.on_behalf_of)
            and (self.risk is None or subject.risk in self.risk)
        )

    def mismatch(self, subject: Subject) -> str | None:
        """Return the first key that does not fit, or None where all do."""
        for key in ("server", "tool", "agent", "team", "on_behalf_of"):
            if not _any(getattr(self, key), getattr(subject, key)):
                return key
        return None if self.risk is None or subject.risk in self.risk else "risk"


def _any(globs: Iterable[Glob] | None, text: str | None) -> bool:
    if globs is None:
        return True
    return text is not None and any(glob.matches(text) for glob in globs)


@dataclass(frozen=True)
class Target:
    """A pattern `server/tool`, as grants and risk overrides write it."""

    server: Glob
    tool: Glob

    @classmethod
    def parse(cls, text: str) -> "Target":
        """Return the target that `text` writes. Raises ValueError where a side is missing."""
        server, slash, tool = text.partition("/")
        if not (server and slash and tool):
            raise ValueError(text)
        return cls(Glob(server), Glob(tool))

    def __str__(self) -> str:
        return f"{self.server.pattern}/{self.tool.pattern}"

    def matches(self, server: str, tool: str) -> bool:
        """Say whether the tool is one that the target names."""
        return self.server.matches(server) and self.tool.matches(tool)

    @property
    def weight(self) -> int:
        """How many characters it fixes: the larger, the more specific."""
        return self.server.weight + self.tool.weight
