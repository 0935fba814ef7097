"""Writes out the conditions that have names where other conditions use them."""

from collections.abc import Mapping
from dataclasses import dataclass

from policies.conditions.condition_checks import refusal
from policies.conditions.expressions import Expression

_LONGEST = 16_000


@dataclass(frozen=True)
class WrittenOut:
    """A condition in which named ones stand in full, and where its pieces came from.

    `pieces` are offsets: where a piece begins here, where in the source, and
    whether it is a copy of the source (and not a named condition's text).
    """

    text: str
    pieces: tuple[tuple[int, int, bool], ...]

    def origin(self, offset: int) -> int:
        """Return the offset in the source from which the text at `offset` came."""
        here, source, copied = max(piece for piece in self.pieces if piece[0] <= offset)
        return source + (offset - here if copied else 0)


def write_out(expression: Expression, named: Mapping[str, str]) -> WrittenOut:
    """Return a condition with each name in `named` replaced by its text, in brackets.

    Raises CannotCompile where it grows beyond 16,000 characters.
    """
    source, parts, pieces = expression.source, [], []
    length, at = 0, 0
    for token in expression.roots():
        if token.text not in named:
            continue
        before, replacement = source[at : token.offset], f"({named[token.text]}\n)"
        pieces += [(length, at, True), (length + len(before), token.offset, False)]
        parts += [before, replacement]
        length += len(before) + len(replacement)
        at = token.offset + len(token.text)
        if length > _LONGEST:
            what = "the condition is too long when its named conditions are written out"
            raise refusal(source, token.offset, what, "write several rules")
    return WrittenOut("".join([*parts, source[at:]]), (*pieces, (length, at, True)))
