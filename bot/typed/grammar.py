"""The words that commands are made of: durations, numbers of uses, conditions, reasons. Pure."""

import re
from dataclasses import dataclass
from datetime import timedelta

from policies.values.inert import inert_line
from policies.values.refusals import Refused
from policies.yaml.durations import parse_duration

_ECHO = 60
_REASON = 500
LONGEST = 4_000
"""Characters that a command may have; Slack lets people type no more."""
_QUOTES = "`\"'\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb"
_MOST_USES = 1_000_000
_WORDS = {"minute": "m", "min": "m", "hour": "h", "hr": "h", "day": "d", "second": "s", "sec": "s"}
_WORDS |= {"m": "m", "h": "h", "d": "d"}
_BECAUSE = re.compile(r"(?:^|(?<=\s))because(?:\s+|$)", re.IGNORECASE)
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
_WHEN = re.compile(r"(?<=\s)when(?:\s+|$)", re.IGNORECASE)
_CURLY = str.maketrans("\u201c\u201d\u201e\u2018\u2019", '"""\'\'')


class NotUnderstood(Refused):
    """What was typed is no command of ours; the message says what to type instead."""


@dataclass(frozen=True)
class Typed:
    """A text before `because`, and the reason after it."""

    text: str
    reason: str | None

    @property
    def words(self) -> list[str]:
        """The words of the text, without quotes round them."""
        return [word.strip(_QUOTES) for word in self.text.split()]

    def part_condition(self) -> tuple["Typed", str | None]:
        """Return what stands before `when`, and the condition after it with straight quotes.

        Raises NotUnderstood.
        """
        found = _WHEN.search(self.text)
        if found is None:
            return self, None
        condition = straight(self.text[found.end() :])
        if not condition:
            raise NotUnderstood("`when` wants a condition after it, like `args.amount < 100`")
        return Typed(self.text[: found.start()], self.reason), condition


def straight(condition: str) -> str:
    """Return a condition as CEL wants it: phones write curly quotes, people backticks round it."""
    return condition.strip().strip("`").translate(_CURLY)


def typed(text: str) -> Typed:
    """Return what was typed after a command, parted. Raises NotUnderstood."""
    for entity, character in _ENTITIES.items():
        text = text.replace(entity, character)
    found = _BECAUSE.search(text)
    before, reason = (text[: found.start()], text[found.end() :]) if found else (text, "")
    reason = reason.strip()
    if found and not reason:
        message = "`because` wants a reason after it; write one or leave the word out"
        raise NotUnderstood(message)
    if len(reason) > _REASON:
        message = f"the reason is longer than {_REASON} characters; say it shorter"
        raise NotUnderstood(message)
    return Typed(before, reason or None)


def lasting(words: list[str]) -> tuple[timedelta, list[str]]:
    """Return the duration that opens `words`, as `1h`, `1h30m` or `2 hours`, and the rest."""
    if not words:
        raise NotUnderstood("`for` wants a duration after it; write `30m`, `1h`, `8h` or `1d`")
    written, rest = words[0].lower(), words[1:]
    unit = _WORDS.get(rest[0].lower().removesuffix("s")) if rest else None
    if written.isascii() and written.isdigit() and unit:
        written, rest = written + unit, rest[1:]
    found = None if "ms" in written or not written.isascii() else parse_duration(written)
    if found is None:
        message = f"`{shown(words[0])}` is no duration; write `30m`, `1h`, `8h` or `1d`"
        raise NotUnderstood(message)
    if found <= timedelta(0):
        raise NotUnderstood("it has to last longer than nothing; write for example `for 1h`")
    return found, rest


def uses(words: list[str]) -> tuple[int | None, list[str]]:
    """Return the number that `uses` opens `words` with, None without it, and the rest."""
    if not words or words[0].lower() != "uses":
        return None, words
    number = words[1] if len(words) > 1 else ""
    if not (number.isascii() and number.isdigit() and 1 <= int(number[:99]) <= _MOST_USES):
        message = f"`uses` wants a number from 1 to {_MOST_USES}; write for example `uses 3`"
        raise NotUnderstood(message)
    return int(number), words[2:]


def counted(written: str) -> int | None:
    """Return the number that a field for uses holds, None where it is empty."""
    return uses(["uses", written])[0] if written else None


def joined(words: list[str], reason: str | None) -> str | None:
    """Return as one text what stands before and after `because`."""
    said = " ".join(words)
    whole = f"{said} because {reason}" if said and reason else said or reason
    if whole is not None and len(whole) > _REASON:
        raise NotUnderstood(f"the reason is longer than {_REASON} characters; say it shorter")
    return whole


def shown(text: str) -> str:
    """Return what was typed as it can be said back."""
    return inert_line(text.replace("`", "'"), _ECHO)
