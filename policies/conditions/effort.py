"""Bounds how long a condition may take, before it is evaluated.

The evaluator copies what a comprehension reads for each element (measured:
a copy of 810,000 values for each of 1,000 elements took 85 s). What a
condition may do is therefore counted in copied values, 130 ns each.
"""

import re
from dataclasses import dataclass
from math import prod

from policies.conditions.arguments import Arguments
from policies.conditions.expressions import Expression, Loop
from policies.conditions.functions import CLOCK, OWN

_MOST = 2_000_000
_ATOMS = (
    (re.compile(r"\\[wWpP]"), 5000),
    (re.compile(r"\\[dDsS]"), 500),
    (re.compile(r"(?<!\\)\.|\[\^"), 250),
    (re.compile(r"(?s)."), 3),
)
_REPEATED = re.compile(r"\{(?:\d+,)?(\d+)\}")
_MOST_ELEMENTS = 1000
_CALL = 100
_TEXT = 2000
"""What a call of a function of ours costs, and 1,000 characters given to it, as copied values."""


@dataclass(frozen=True)
class Work:
    """What a comprehension does for each element: arguments read, patterns matched, results kept.

    In `reads`, None stands for all arguments at once; `compiles` is what its
    regular expressions cost, which the evaluator compiles for each element,
    `calls` how often it calls functions of ours.
    """

    reads: tuple[str | None, ...]
    compiles: int
    keeps: bool
    builds: bool
    calls: int = 0

    def count(self, arguments: Arguments, elements: int) -> int:
        """Return how many values are copied for `elements` elements at most."""
        sizes = [arguments.size(name) for name in self.reads]
        read = sum(size.values for size in sizes)
        texts = sum(size.texts for size in sizes)
        each = 1 + read + self.compiles + self.calls * (_CALL + _TEXT * texts)
        if self.keeps:
            each += arguments.whole.values
        if self.builds:
            each += elements * read
        return elements * each + self.calls * _TEXT * arguments.whole.texts


@dataclass(frozen=True)
class Effort:
    """What the comprehensions of a condition do; `joins` is how often it may join lists."""

    works: tuple[Work, ...]
    joins: int

    @classmethod
    def of(cls, expression: Expression) -> "Effort":
        """Return what the comprehensions in `expression` do."""
        works = tuple(_work(expression, loop) for loop in expression.loops())
        return cls(works, expression.joins())

    def excess(self, arguments: Arguments) -> str | None:
        """Return why the condition is not evaluated on these arguments, or None."""
        if not self.works:
            return None
        if arguments.whole.longest > _MOST_ELEMENTS:
            return "a list or map in the arguments has more than 1,000 elements"
        elements = arguments.whole.longest * (1 + self.joins)
        if sum(work.count(arguments, elements) for work in self.works) > _MOST:
            return "the arguments are too large for the condition"
        return None


def _work(expression: Expression, loop: Loop) -> Work:
    return Work(
        reads=tuple(expression.reads(loop)),
        compiles=sum(_cost(pattern) for pattern in expression.patterns(loop)),
        keeps=loop.macro.text in ("filter", "map"),
        builds=loop.macro.text == "map",
        calls=sum(name in OWN or name in CLOCK for name in expression.called(loop)),
    )


def _cost(pattern: str) -> int:
    """Return what compiling a regular expression costs, as copied values (measured)."""
    pieces = _REPEATED.split(pattern)
    costs = [_atoms(piece) for piece in pieces[::2]]
    times = [max(1, int(number[:6])) for number in pieces[1::2]]
    if any(piece.endswith(")") for piece in pieces[:-1:2]):  # a group holds what came before it
        return 100 + sum(costs) * prod(times)
    return 100 + sum(cost * count for cost, count in zip(costs, [*times, 1], strict=True))


def _atoms(piece: str) -> int:
    return sum(len(atom.findall(piece)) * price for atom, price in _ATOMS)
