"""Reads what a person typed after `/placet`. Pure."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from policies.durations import parse_duration
from policies.inert import inert_line
from policies.refusals import Refused

GRANT_FORM = "/placet grant AGENT SERVER/TOOL for 1h [uses 3] [because REASON]"
REVOKE_FORM = "/placet revoke GRANT [because REASON]"
SHOW_FORM = "/placet show APPROVAL"

_ECHO = 60
_REASON = 500
_LONGEST = 4_000
"""Characters that a command may have; Slack lets people type no more."""
_QUOTES = "`\"'\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb"
_MOST_USES = 1_000_000
_WORDS = {"minute": "m", "min": "m", "hour": "h", "hr": "h", "day": "d", "second": "s", "sec": "s"}
_WORDS |= {"m": "m", "h": "h", "d": "d"}
_BECAUSE = re.compile(r"(?:^|(?<=\s))because(?:\s+|$)", re.IGNORECASE)
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}


class NotUnderstood(Refused):
    """What was typed is no command of ours; the message says what to type instead."""


@dataclass(frozen=True)
class AskGrant:
    """`grant`: let an agent use tools for a time; `target` is `server/tool` with globs."""

    agent: str
    target: str
    lasting: timedelta
    uses: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class AskRevoke:
    """`revoke`: end a grant now."""

    grant: str
    reason: str | None = None


@dataclass(frozen=True)
class AskList:
    """`list`: the live grants."""


@dataclass(frozen=True)
class AskPending:
    """`pending`: the open approvals that the person may decide."""


@dataclass(frozen=True)
class AskShow:
    """`show`: one approval."""

    approval: str


@dataclass(frozen=True)
class AskHelp:
    """`help`: what can be typed."""


Asked: TypeAlias = AskGrant | AskRevoke | AskList | AskPending | AskShow | AskHelp
"""One thing a person asked for."""


def parse(text: str) -> Asked:
    """Return what `text`, as Slack sends it after `/placet`, asks for. Raises NotUnderstood."""
    if len(text) > _LONGEST:
        raise NotUnderstood(f"that is longer than {_LONGEST} characters; say it shorter")
    tokens, reason = _split(text)
    if not tokens:
        return AskHelp()
    verb, rest = tokens[0].lower(), tokens[1:]
    match verb:
        case "grant":
            return _grant(rest, reason)
        case "revoke":
            return AskRevoke(_only("grant", rest, REVOKE_FORM), reason)
        case "show":
            return AskShow(_only("approval", rest, SHOW_FORM))
        case "list" | "pending" | "help":
            return _alone(verb, rest)
        case _:
            message = (
                f"`{_shown(tokens[0])}` is no command; "
                "type `/placet help` to see grant, revoke, list, pending and show"
            )
            raise NotUnderstood(message)


def _split(text: str) -> tuple[list[str], str | None]:
    """Return the words before `because`, without quotes, and the reason after it."""
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
    return [word.strip(_QUOTES) for word in before.split()], reason or None


def _grant(words: list[str], reason: str | None) -> AskGrant:
    if not words:
        raise NotUnderstood(f"a grant needs an agent; write `{GRANT_FORM}`")
    if len(words) == 1 or words[1].lower() in {"for", "uses"}:
        raise NotUnderstood(f"a grant needs `SERVER/TOOL` after the agent; write `{GRANT_FORM}`")
    agent, target, *rest = words
    server, slash, tool = target.partition("/")
    if not (server and slash and tool) or "/" in tool:
        message = (
            f"`{_shown(target)}` names no tools; write `SERVER/TOOL`, as in `files/write_file`"
        )
        raise NotUnderstood(message)
    if not rest or rest[0].lower() != "for":
        found = f", not `{_shown(rest[0])}`" if rest else ""
        message = f"say how long: `for 30m`, `for 1h` or `for 1d` follows the tools{found}"
        raise NotUnderstood(message)
    lasting, rest = _lasting(rest[1:])
    uses, rest = _uses(rest)
    if rest:
        message = f"`{_shown(rest[0])}` is too much; write `{GRANT_FORM}`"
        raise NotUnderstood(message)
    return AskGrant(agent, target, lasting, uses, reason)


def _lasting(words: list[str]) -> tuple[timedelta, list[str]]:
    """Return the duration that opens `words`, as `1h`, `1h30m` or `2 hours`, and the rest."""
    if not words:
        raise NotUnderstood("`for` wants a duration after it; write `30m`, `1h`, `8h` or `1d`")
    written, rest = words[0].lower(), words[1:]
    unit = _WORDS.get(rest[0].lower().removesuffix("s")) if rest else None
    if written.isascii() and written.isdigit() and unit:
        written, rest = written + unit, rest[1:]
    lasting = None if "ms" in written or not written.isascii() else parse_duration(written)
    if lasting is None:
        message = f"`{_shown(words[0])}` is no duration; write `30m`, `1h`, `8h` or `1d`"
        raise NotUnderstood(message)
    if lasting <= timedelta(0):
        raise NotUnderstood("a grant has to last longer than nothing; write for example `for 1h`")
    return lasting, rest


def _uses(words: list[str]) -> tuple[int | None, list[str]]:
    if not words or words[0].lower() != "uses":
        return None, words
    number = words[1] if len(words) > 1 else ""
    if not (number.isascii() and number.isdigit() and 1 <= int(number[:99]) <= _MOST_USES):
        message = f"`uses` wants a number from 1 to {_MOST_USES}; write for example `uses 3`"
        raise NotUnderstood(message)
    return int(number), words[2:]


def _only(what: str, words: list[str], form: str) -> str:
    if not words:
        raise NotUnderstood(f"say which {what}; write `{form}`")
    if len(words) > 1:
        raise NotUnderstood(f"`{_shown(words[1])}` is too much; write `{form}`")
    return words[0]


def _alone(verb: str, words: list[str]) -> AskList | AskPending | AskHelp:
    if words and verb != "help":
        raise NotUnderstood(f"`{_shown(words[0])}` is too much; write just `/placet {verb}`")
    match verb:
        case "list":
            return AskList()
        case "pending":
            return AskPending()
        case _:
            return AskHelp()


def _shown(text: str) -> str:
    return inert_line(text.replace("`", "'"), _ECHO)
