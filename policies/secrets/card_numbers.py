"""Finds payment card numbers: 13 to 19 digits that begin as cards do and pass Luhn."""

import re

from policies.values.calls import Number

SHORTEST_CARD = 13
"""Digits of the shortest card number."""

_LONGEST = 19
_SMALLEST_GROUP = 3
_DIGITS = re.compile(
    r"(?<![A-Za-z0-9_])(?<![0-9]\.)[0-9]++(?:[ \u00a0\u2009\u2010-\u2015-][0-9]++)*+"
)
_GOES_ON = re.compile(r"[A-Za-z_]")
_GROUP = re.compile(r"[0-9]+")
_ENOUGH = re.compile(r"[0-9](?:[ \u00a0\u2009\u2010-\u2015-]?[0-9]){12}")


def may_hold_card(text: str) -> bool:
    """Tell quickly whether `text` holds 13 digits in a row, blanks and dashes aside."""
    return len(text) >= SHORTEST_CARD and _ENOUGH.search(text) is not None


def hide_cards(text: str, marker: str, found: list[str] | None = None) -> tuple[str, int]:
    """Return `text` with each card number replaced by `marker`, and how many there were.

    The numbers are added to `found`, as they were written.
    """
    hidden = 0
    parts = []
    done = 0
    for digits in _DIGITS.finditer(text):
        for start, end in _cards(digits):
            parts += [text[done:start], marker]
            if found is not None:
                found.append(text[start:end])
            done = end
            hidden += 1
    return "".join([*parts, text[done:]]), hidden


def is_card(number: Number) -> bool:
    """Tell whether a JSON number is a card number, also when written as `4.1e15` or `….0`."""
    text = number.text
    if text.isdigit():
        return _is_card(text)
    if len(text) < SHORTEST_CARD and "e" not in text and "E" not in text:
        return False
    value = float(text)
    return value.is_integer() and _is_card(str(int(value)))


def _cards(found: re.Match[str]) -> list[tuple[int, int]]:
    """Return where in the text the card numbers of one run of groups of digits are."""
    if _GOES_ON.match(found.string, found.end()):
        return []
    groups = list(_GROUP.finditer(found.string, found.start(), found.end()))
    cards: list[tuple[int, int]] = []
    first = 0
    while first < len(groups):
        last = _last_group(groups, first)
        if last is None:
            first += 1
        else:
            cards.append((groups[first].start(), groups[last].end()))
            first = last + 1
    return cards


def _last_group(groups: list[re.Match[str]], first: int) -> int | None:
    """Return the group that ends a card beginning with group `first`, longest first."""
    digits = ""
    best = None
    for index in range(first, len(groups)):
        group = groups[index][0]
        if len(digits) + len(group) > _LONGEST or len(group) < _SMALLEST_GROUP:
            break
        digits += group
        if _is_card(digits):
            best = index
    return best


def _is_card(digits: str) -> bool:
    """Tell whether `digits` is a card number: length, first digit (ISO/IEC 7812) and Luhn."""
    if not SHORTEST_CARD <= len(digits) <= _LONGEST or digits[0] not in "23456":
        return False
    doubled = [int(digit) for digit in digits[-1::-1]]
    doubled[1::2] = [twice - 9 if twice > 9 else twice for twice in (2 * d for d in doubled[1::2])]  # noqa: PLR2004 - the sum of a number's two digits
    return sum(doubled) % 10 == 0
