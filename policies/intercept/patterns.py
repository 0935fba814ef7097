r"""Turns regular expressions of Go's RE2 syntax into ones that conditions read alike.

Both run in linear time. They differ where Go counts in ASCII (`\d`, `\w`, `\s`, `\b`) and
where a sign is literal for one and an operator for the other (`[[]`, `[a&&b]`, `\<`, `{,2}`).
Source: https://github.com/google/re2/wiki/Syntax, and the package regexp/syntax of Go.
"""

import re
from dataclasses import dataclass

_PERL = {"d": "0-9", "w": "0-9A-Za-z_", "s": "\\t\\n\\f\\r "}
_CONTROLS = {"a": 7, "f": 12, "t": 9, "n": 10, "r": 13, "v": 11}
_REPEAT = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_GROUP = re.compile(r"\((?:\?(?:P?<[A-Za-z_][A-Za-z0-9_]*>|[imsU]*(?:-[imsU]+)?[:)]))?")
_HEXADECIMAL = re.compile(r"x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,8})\})")
_OCTAL = re.compile(r"0[0-7]{0,2}|[1-7][0-7]{1,2}")
_PROPERTY = re.compile(r"([pP])(?:([A-Za-z])|\{(\^?)([A-Za-z_]+)\})")
_POSIX = re.compile(
    r"\[:\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]"
)
_MOST_REPEATS = 1000
_LARGEST = 0x10FFFF


class Untranslatable(Exception):
    """A regular expression that cannot be carried over; the message says which part."""


def translated(pattern: str) -> str:
    r"""Return the regular expression that matches the same texts as Go's `pattern`.

    Raises Untranslatable for what Go would refuse, and for `\B`, which has no counterpart.
    """
    return _Reader(pattern).whole()


@dataclass
class _Reader:
    """Reads a pattern from left to right; `at` is the next character."""

    text: str
    at: int = 0

    def whole(self) -> str:
        parts = []
        while self.at < len(self.text):
            parts.append(self._piece())
        return "".join(parts)

    def _piece(self) -> str:
        sign = self.text[self.at]
        match sign:
            case "\\":
                return self._escape()
            case "[":
                return self._class()
            case "(":
                found = self._take(_GROUP)
                if found is None or (found[0] == "(" and self._next() == "?"):
                    raise Untranslatable(f"`{self.text[self.at - 1 : self.at + 3]}` is not of RE2")
                return found[0].replace("(?<", "(?P<")
            case "{":
                return self._braces()
            case "}" | "]":
                self.at += 1
                return "\\" + sign
            case _:
                self.at += 1
                return sign

    def _braces(self) -> str:
        found = self._take(_REPEAT)
        if found is None:
            self.at += 1
            return "\\{"
        if max(int(found[1]), int(found[2] or 0)) > _MOST_REPEATS:
            raise Untranslatable(f"`{found[0]}` repeats more than 1,000 times")
        return found[0]

    def _escape(self) -> str:
        self.at += 1
        sign = self._next()
        if sign in _PERL:
            self.at += 1
            return f"[{_PERL[sign]}]"
        if sign and sign.lower() in _PERL:
            self.at += 1
            return f"[^{_PERL[sign.lower()]}]"
        if sign == "Q":
            return self._quoted()
        if sign in ("A", "z", "b"):
            self.at += 1
            return "(?-u:\\b)" if sign == "b" else f"\\{sign}"
        return self._property() or _literal(self._escaped())

    def _quoted(self) -> str:
        text, _, _ = self.text[self.at + 1 :].partition("\\E")
        self.at = min(self.at + 1 + len(text) + 2, len(self.text))
        return "".join(_literal(ord(each)) for each in text)

    def _property(self) -> str | None:
        found = self._take(_PROPERTY)
        if found is None:
            return None
        kind = found[1] if not found[3] else {"p": "P", "P": "p"}[found[1]]
        return f"\\{kind}{{{found[2] or found[4]}}}"

    def _escaped(self) -> int:
        """Return the character that stands behind a backslash, as a number."""
        sign = self._next()
        if sign in _CONTROLS:
            self.at += 1
            return _CONTROLS[sign]
        found = self._take(_HEXADECIMAL)
        if found is not None:
            return _character(int(found[1] or found[2], 16))
        octal = self._take(_OCTAL)
        if octal is not None:
            return int(octal[0], 8)
        if not sign or sign.isalnum() or not sign.isascii():
            raise Untranslatable(f"`\\{sign}` has no counterpart")
        self.at += 1
        return ord(sign)

    def _class(self) -> str:
        self.at += 1
        parts = ["["]
        if self._next() == "^":
            self.at += 1
            parts.append("^")
        first = True
        while first or self._next() != "]":
            if not self._next():
                raise Untranslatable("a `[` is not closed")
            parts.append(self._member())
            first = False
        self.at += 1
        return "".join([*parts, "]"])

    def _member(self) -> str:
        posix = self._take(_POSIX)
        if posix is not None:
            return posix[0]
        if self._next() == "\\":
            following = self.text[self.at + 1 : self.at + 2]
            if following.lower() in _PERL or following in ("p", "P"):
                return self._escape()
        low = self._single()
        if self._next() == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", ""):
            self.at += 1
            high = self._single()
            if high < low:
                raise Untranslatable("a range in `[…]` is the wrong way round")
            return f"{_literal(low)}-{_literal(high)}"
        return _literal(low)

    def _single(self) -> int:
        if self._next() == "\\":
            self.at += 1
            return self._escaped()
        self.at += 1
        return ord(self.text[self.at - 1])

    def _next(self) -> str:
        return self.text[self.at : self.at + 1]

    def _take(self, form: re.Pattern[str]) -> re.Match[str] | None:
        found = form.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found


def _character(number: int) -> int:
    if number > _LARGEST:
        raise Untranslatable(f"`\\x{{{number:X}}}` is no character")
    return number


def _literal(number: int) -> str:
    sign = chr(number)
    if sign.isalnum() and sign.isascii():
        return sign
    return f"\\{sign}" if sign in ".-/+*?()[]{}|^$" else f"\\x{{{number:X}}}"
