"""Reads the text of a CEL condition before it is compiled: names, functions, comprehensions."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?P<blank>\s+|//[^\n]*)
  | (?P<text>(?:[bB]?[rR]|[rR][bB])(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"\n]*"|'[^'\n]*')
      |[bB]?(?:\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<escaped>`[^`\n]*`)
  | (?P<number>[0-9](?:[0-9A-Za-z]|\.[0-9])*)
  | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_LOOPS = frozenset({"all", "exists", "exists_one", "existsOne", "map", "filter"})
_WORDS = frozenset({"true", "false", "null", "in"})
_OPENING = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True)
class Token:
    """A word, text, number or sign of a condition, and its offset in characters."""

    kind: str
    text: str
    offset: int


@dataclass(frozen=True)
class Loop:
    """A comprehension: its macro, the name it binds, and the tokens between its brackets."""

    macro: Token
    bound: str
    first: int
    last: int


@dataclass(frozen=True)
class Expression:
    """The tokens of a condition."""

    source: str
    tokens: tuple[Token, ...]

    @classmethod
    def read(cls, source: str) -> "Expression":
        """Split `source` into tokens; blanks and comments are left out."""
        found = (
            Token(str(match.lastgroup), match[0], match.start())
            for match in _TOKEN.finditer(source)
        )
        return cls(source, tuple(token for token in found if token.kind != "blank"))

    def loops(self) -> tuple[Loop, ...]:
        """Return the comprehensions, in the order of the text."""
        return tuple(self._loops())

    def nested(self) -> Loop | None:
        """Return the first comprehension that stands inside another, or None."""
        loops = self.loops()
        for inner in loops:
            at = self.tokens.index(inner.macro)
            if any(outer.first <= at <= outer.last for outer in loops):
                return inner
        return None

    def roots(self) -> Iterator[Token]:
        """Yield each name that is neither a member, a function nor bound where it stands."""
        loops = self.loops()
        for index, token in enumerate(self.tokens):
            if token.kind != "name" or token.text in _WORDS or self._sign(index - 1) == ".":
                continue
            bound = {loop.bound for loop in loops if loop.first <= index <= loop.last}
            if self._sign(index + 1) != "(" and token.text not in bound:
                yield token

    def reads(self, loop: Loop) -> Iterator[str | None]:
        """Yield the argument of each `args.name` inside a comprehension, None for `args` alone."""
        for index in range(loop.first, loop.last):
            token = self.tokens[index]
            if token.kind == "name" and token.text == "args" and self._sign(index - 1) != ".":
                yield self._sign(index + 2) if self._sign(index + 1) == "." else None

    def joins(self) -> int:
        """Return how often `+` stands outside of comprehensions, where it may join lists."""
        inside = {index for loop in self.loops() for index in range(loop.first, loop.last)}
        return sum(
            token.text == "+" and index not in inside for index, token in enumerate(self.tokens)
        )

    def patterns(self, loop: Loop) -> Iterator[str]:
        """Yield each regular expression that is matched for each element."""
        for index in range(loop.first, loop.last - 2):
            if self.tokens[index].text == "matches":
                yield self.tokens[index + 2].text

    def members(self, root: str) -> Iterator[Token]:
        """Yield each name that is read as `root.name`."""
        for index, token in enumerate(self.tokens):
            before = [self._sign(at) for at in (index - 3, index - 2, index - 1)]
            if token.kind == "name" and before[0] != "." and before[1:] == [root, "."]:
                yield token

    def paths(self) -> Iterator[tuple[str, ...]]:
        """Yield each way into the arguments that it takes, as far as it is written out."""
        for index, token in enumerate(self.tokens):
            if token.text != "args" or self._sign(index - 1) == ".":
                continue
            path, at = [], index + 1
            while self._sign(at) == "." and at + 1 < len(self.tokens):
                if self.tokens[at + 1].kind != "name" or self._sign(at + 2) == "(":
                    break
                path.append(self.tokens[at + 1].text)
                at += 2
            yield tuple(path)

    def functions(self) -> Iterator[tuple[Token, Token | None]]:
        """Yield each name followed by a bracket, and the first token between the brackets."""
        for index, token in enumerate(self.tokens):
            if token.kind == "name" and token.text not in _WORDS and self._sign(index + 1) == "(":
                yield token, self.tokens[index + 2] if index + 2 < len(self.tokens) else None

    def calls(self, name: str) -> Iterator[tuple[Token, tuple[Token, ...]]]:
        """Yield each function `name` with the tokens between its brackets."""
        for index, token in enumerate(self.tokens):
            if token.kind == "name" and token.text == name and self._sign(index + 1) == "(":
                yield token, self.tokens[index + 2 : self._closing(index + 1)]

    def on_value(self, function: Token) -> bool:
        """Say whether a function is called on a value, as in `args.url.domain()`."""
        return self._sign(self.tokens.index(function) - 1) == "."

    def arguments(self, between: tuple[Token, ...]) -> list[tuple[Token, ...]]:
        """Return the tokens between a function's brackets, parted at its commas."""
        groups: list[list[Token]] = [[]] if between else []
        depth = 0
        for token in between:
            depth += (token.text in _OPENING) - (token.text in _OPENING.values())
            if token.text == "," and depth == 0:
                groups.append([])
            else:
                groups[-1].append(token)
        return [tuple(group) for group in groups]

    def called(self, loop: Loop) -> Iterator[str]:
        """Yield the name of each function that is called for each element."""
        for index in range(loop.first, loop.last):
            if self.tokens[index].kind == "name" and self._sign(index + 1) == "(":
                yield self.tokens[index].text

    def mentions(self, key: str) -> bool:
        """Say whether `key` is written in the condition, as a name or a text."""
        return any(token.text.strip("\"'`") == key for token in self.tokens)

    def find(self, name: str) -> Token | None:
        """Return the first token that is `name`, or None."""
        return next((token for token in self.tokens if token.text == name), None)

    def _sign(self, index: int) -> str:
        return self.tokens[index].text if 0 <= index < len(self.tokens) else ""

    def _loops(self) -> Iterator[Loop]:
        for index, token in enumerate(self.tokens):
            member = token.text in _LOOPS and self._sign(index - 1) == "."
            if member and self._sign(index + 1) == "(":
                yield Loop(token, self._sign(index + 2), index + 2, self._closing(index + 1))

    def _closing(self, opening: int) -> int:
        depth = 0
        for index in range(opening, len(self.tokens)):
            text = self.tokens[index].text
            depth += (text in _OPENING) - (text in _OPENING.values())
            if depth == 0:
                return index
        return len(self.tokens)
