"""Reads maps and lists that stand in brackets within one line, as people mostly write them."""

import re

from policies.values.problems import Place
from policies.yaml.composing import Path, Value
from policies.yaml.scalars import resolve

_TOKEN = re.compile(
    r""" *+(?P<token>(?P<sign>[\[\]{},])"""
    r"""|(?P<quoted>"(?:[^"\\]|\\["\\])*+"|'[^']*+')"""
    r"""|(?P<plain>[A-Za-z0-9_./][A-Za-z0-9_./*()<>=+$-]*+(?: +[A-Za-z0-9_./*()<>=+$-]++)*+))"""
    r"""(?P<colon>: )?"""
)
_END = re.compile(r" *+(?: #.*)?")
_ESCAPED = re.compile(r"\\(.)")
_LONGEST_KEY = 100
_DEEPEST = 20


class Odd(Exception):
    """The text is written in another way than most people write."""


def unquoted(text: str) -> str:
    r"""Return what a text in simple quotes says: without escapes, but for `\"` and `\\`."""
    inner = text[1:-1]
    return _ESCAPED.sub(r"\1", inner) if "\\" in inner and text[0] == '"' else inner


class FlowReader:
    """Reads what stands in brackets, and notes where its values and keys stand."""

    def __init__(self, text: str, place: Place) -> None:
        """Take a `text`, which begins at `place`; `values` and `keys` are where things stand."""
        self.values: dict[Path, Place] = {}
        self.keys: dict[Path, Place] = {}
        self._text, self._at = text, 0
        self._line, self._before = place.line, place.column

    def read(self, path: Path) -> Value:
        """Return the map or list that the text is, whose `path` is this. Raises Odd."""
        value = self._value(path, self._next())
        if not _END.fullmatch(self._text, self._at):
            raise Odd
        return value

    def _next(self) -> re.Match[str]:
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            raise Odd
        self._at = found.end()
        return found

    def _place(self, found: re.Match[str]) -> Place:
        return Place(self._line, self._before + found.start("token"))

    def _value(self, path: Path, found: re.Match[str]) -> Value:
        if found["colon"]:
            raise Odd
        self.values[path] = self._place(found)
        match found["sign"]:
            case None:
                quoted = found["quoted"]
                return resolve(found["plain"], plain=True) if quoted is None else unquoted(quoted)
            case "{" if len(path) < _DEEPEST:
                return self._map(path)
            case "[" if len(path) < _DEEPEST:
                return self._list(path)
            case _:
                raise Odd

    def _map(self, path: Path) -> Value:
        members: dict[str, Value] = {}
        found = self._next()
        if found["sign"] == "}" and not found["colon"]:
            return members
        while True:
            key = self._key(found)
            within = (*path, key)
            if key in members:
                raise Odd
            self.keys[within] = self._place(found)
            members[key] = self._value(within, self._next())
            if self._ends("}"):
                return members
            found = self._next()

    def _list(self, path: Path) -> Value:
        items: list[Value] = []
        found = self._next()
        if found["sign"] == "]" and not found["colon"]:
            return items
        while True:
            items.append(self._value((*path, len(items)), found))
            if self._ends("]"):
                return items
            found = self._next()

    def _ends(self, closing: str) -> bool:
        """Tell whether a bracket closes here; else a comma goes on."""
        found = self._next()
        if found["colon"] or found["sign"] not in (closing, ","):
            raise Odd
        return found["sign"] == closing

    @staticmethod
    def _key(found: re.Match[str]) -> str:
        text = found["plain"] or unquoted(found["quoted"] or "")
        if not found["colon"] or found["sign"] or len(text) > _LONGEST_KEY:
            raise Odd
        return text
