"""Reads what a person typed after `/placet`. Pure."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TypeAlias

from bot.asked import (
    AskAfterReviews,
    AskBreakGlass,
    Asked,
    AskExtend,
    AskFreeze,
    AskFreezes,
    AskGrant,
    AskHelp,
    AskList,
    AskPending,
    AskRevoke,
    AskShow,
    AskSignOff,
    AskUnfreeze,
    AskWithdraw,
)
from bot.command_forms import FORMS, nearest
from policies.durations import parse_duration
from policies.freezes import Frozen
from policies.inert import inert_line
from policies.refusals import Refused

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


_Reader: TypeAlias = Callable[[list[str], str | None], Asked]
"""Reads the words after a command, and what stands after `because`."""


class NotUnderstood(Refused):
    """What was typed is no command of ours; the message says what to type instead."""


def parse(text: str) -> Asked:
    """Return what `text`, as Slack sends it after `/placet`, asks for. Raises NotUnderstood."""
    if len(text) > _LONGEST:
        raise NotUnderstood(f"that is longer than {_LONGEST} characters; say it shorter")
    tokens, reason = _split(text)
    if not tokens:
        return AskHelp()
    read = _READERS.get(tokens[0].lower())
    if read is None:
        raise NotUnderstood(_unknown(tokens[0]))
    return read(tokens[1:], reason)


def _unknown(word: str) -> str:
    meant = nearest(word)
    hint = f"did you mean `/placet {meant}`? " if meant else ""
    return f"`{_shown(word)}` is no command; {hint}`/placet help` names them all"


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
        raise NotUnderstood(f"a grant needs an agent; write `{FORMS['grant'].written}`")
    if len(words) == 1 or words[1].lower() in {"for", "uses"}:
        raise NotUnderstood(
            f"a grant needs `SERVER/TOOL` after the agent; write `{FORMS['grant'].written}`"
        )
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
        message = f"`{_shown(rest[0])}` is too much; write `{FORMS['grant'].written}`"
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
        raise NotUnderstood("it has to last longer than nothing; write for example `for 1h`")
    return lasting, rest


def _uses(words: list[str]) -> tuple[int | None, list[str]]:
    if not words or words[0].lower() != "uses":
        return None, words
    number = words[1] if len(words) > 1 else ""
    if not (number.isascii() and number.isdigit() and 1 <= int(number[:99]) <= _MOST_USES):
        message = f"`uses` wants a number from 1 to {_MOST_USES}; write for example `uses 3`"
        raise NotUnderstood(message)
    return int(number), words[2:]


def _withdraw(words: list[str], reason: str | None) -> AskWithdraw:
    return AskWithdraw(_only("approval", words, "withdraw"), reason)


def _extend(words: list[str], _: str | None) -> AskExtend:
    """Read an approval, and how much more time it gets: `for 30m`, or `by 30m`."""
    if not words[1:] or words[1].lower() not in {"for", "by"}:
        return AskExtend(_only("approval", words, "extend"))
    lasting, rest = _lasting(words[2:])
    return AskExtend(_only("approval", [words[0], *rest], "extend"), lasting)


def _freeze(words: list[str], reason: str | None) -> AskFreeze:
    """Read `agent NAME`, `server NAME` or `everything`; the rest is a duration and a reason."""
    over, name, rest = _frozen(words, "freeze")
    lasting = None
    if rest and rest[0].lower() == "for":
        lasting, rest = _lasting(rest[1:])
    return AskFreeze(over, name, lasting, _joined(rest, reason))


def _unfreeze(words: list[str], reason: str | None) -> AskUnfreeze:
    if words and words[0].startswith("frz_"):
        return AskUnfreeze(None, _only("freeze", words, "unfreeze"), reason)
    over, name, rest = _frozen(words, "unfreeze")
    if rest and reason:
        raise NotUnderstood(f"`{_shown(rest[0])}` is too much; write `{FORMS['unfreeze'].written}`")
    return AskUnfreeze(over, name, _joined(rest, reason))


def _frozen(words: list[str], verb: str) -> tuple[Frozen, str, list[str]]:
    over = words[0].lower() if words else ""
    if over not in set(Frozen):
        found = f", not `{_shown(words[0])}`" if words else ""
        message = (
            f"say what{found}: `agent`, `server` or `everything`; write `{FORMS[verb].written}`"
        )
        raise NotUnderstood(message)
    if over == Frozen.EVERYTHING:
        return Frozen.EVERYTHING, "", words[1:]
    if not words[1:]:
        raise NotUnderstood(f"say which {over}; write `{FORMS[verb].written}`")
    return Frozen(over), words[1], words[2:]


def _break_glass(words: list[str], reason: str | None) -> AskBreakGlass:
    said = _joined(words[1:], reason)
    form = FORMS["break-glass"].written
    if not words:
        raise NotUnderstood(f"say which approval; write `{form}`")
    if said is None:
        raise NotUnderstood(f"breaking the glass takes a reason; write `{form}`")
    return AskBreakGlass(words[0], said)


def _sign_off(words: list[str], reason: str | None) -> AskSignOff:
    if not words:
        raise NotUnderstood(f"say which approval; write `{FORMS['sign-off'].written}`")
    return AskSignOff(words[0], _joined(words[1:], reason))


def _joined(words: list[str], reason: str | None) -> str | None:
    """Return as one text what stands before and after `because`."""
    said = " ".join(words)
    joined = f"{said} because {reason}" if said and reason else said or reason
    if joined is not None and len(joined) > _REASON:
        raise NotUnderstood(f"the reason is longer than {_REASON} characters; say it shorter")
    return joined


def _help(words: list[str], _: str | None) -> AskHelp:
    if not words:
        return AskHelp()
    about = words[0].lower()
    if about not in FORMS:
        raise NotUnderstood(_unknown(words[0]))
    return AskHelp(about)


def _only(what: str, words: list[str], verb: str) -> str:
    form = FORMS[verb].written
    if not words:
        raise NotUnderstood(f"say which {what}; write `{form}`")
    if len(words) > 1:
        raise NotUnderstood(f"`{_shown(words[1])}` is too much; write `{form}`")
    return words[0]


def _revoke(words: list[str], reason: str | None) -> AskRevoke:
    return AskRevoke(_only("grant", words, "revoke"), reason)


def _show(words: list[str], _: str | None) -> AskShow:
    return AskShow(_only("approval", words, "show"))


def _alone(verb: str, asked: Asked) -> _Reader:
    """Return what reads a command that takes nothing more."""

    def read(words: list[str], _: str | None) -> Asked:
        if words:
            raise NotUnderstood(f"`{_shown(words[0])}` is too much; write just `/placet {verb}`")
        return asked

    return read


def _shown(text: str) -> str:
    return inert_line(text.replace("`", "'"), _ECHO)


_READERS: Mapping[str, _Reader] = {
    "grant": _grant,
    "revoke": _revoke,
    "list": _alone("list", AskList()),
    "pending": _alone("pending", AskPending()),
    "show": _show,
    "extend": _extend,
    "withdraw": _withdraw,
    "freeze": _freeze,
    "unfreeze": _unfreeze,
    "freezes": _alone("freezes", AskFreezes()),
    "break-glass": _break_glass,
    "sign-off": _sign_off,
    "after-reviews": _alone("after-reviews", AskAfterReviews()),
    "help": _help,
}
