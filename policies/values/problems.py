"""What is wrong with a file: where, what, and what to write instead."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Place:
    """A line and a column of a text, both from 1."""

    line: int
    column: int


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong with a file, in the reader's terms."""

    file: str
    line: int
    column: int
    what: str
    instead: str

    def __str__(self) -> str:
        """Write the problem as one line, `file:line:column: what; instead`."""
        return f"{self.file}:{self.line}:{self.column}: {self.what}; {self.instead}"


class InvalidDocument(Exception):
    """A file that cannot be used, with everything that is wrong with it, in order of place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep `problems` sorted by place, each once."""
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))
