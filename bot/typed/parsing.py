"""Reads what a person typed after `/placet`. Pure."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from bot.typed.asked import (
    AskAfterReviews,
    AskBreakGlass,
    AskBuilder,
    AskDelegate,
    AskDelegations,
    Asked,
    AskExtend,
    AskFreeze,
    AskFreezes,
    AskGrant,
    AskHelp,
    AskList,
    AskPending,
    AskRenew,
    AskRequest,
    AskRevoke,
    AskShow,
    AskSignOff,
    AskUndelegate,
    AskUnfreeze,
    AskWithdraw,
)
from bot.typed.command_forms import FORMS, nearest
from bot.typed.grammar import LONGEST, NotUnderstood, Typed, joined, shown, typed, uses
from bot.typed.grammar import lasting as lasting_of
from policies.deciding.freezes import Frozen

_Reader: TypeAlias = Callable[[Typed], Asked]
"""Reads what was typed after the command's own word."""


def parse(text: str) -> Asked:
    """Return what `text`, as Slack sends it after `/placet`, asks for. Raises NotUnderstood."""
    if len(text) > LONGEST:
        raise NotUnderstood(f"that is longer than {LONGEST} characters; say it shorter")
    said = typed(text)
    verb = said.words[0] if said.words else ""
    if not verb:
        return AskBuilder()
    read = _READERS.get(verb.lower())
    if read is None:
        raise NotUnderstood(_unknown(verb))
    return read(Typed(said.text.strip()[len(said.text.split()[0]) :], said.reason))


def _unknown(word: str) -> str:
    meant = nearest(word)
    hint = f"did you mean `/placet {meant}`? " if meant else ""
    return f"`{shown(word)}` is no command; {hint}`/placet help` names them all"


def _grant(said: Typed) -> AskGrant:
    return _terms(said, "grant")


def _request(said: Typed) -> AskRequest:
    return AskRequest(_terms(said, "request"))


def _terms(said: Typed, verb: str) -> AskGrant:
    form = FORMS[verb].written
    said, when = said.part_condition()
    words = said.words
    if not words:
        raise NotUnderstood(f"a grant needs an agent; write `{form}`")
    if len(words) == 1 or words[1].lower() in {"for", "uses"}:
        raise NotUnderstood(f"a grant needs `SERVER/TOOL` after the agent; write `{form}`")
    agent, target, *rest = words
    server, slash, tool = target.partition("/")
    if not (server and slash and tool) or "/" in tool:
        message = f"`{shown(target)}` names no tools; write `SERVER/TOOL`, as in `files/write_file`"
        raise NotUnderstood(message)
    if not rest or rest[0].lower() != "for":
        found = f", not `{shown(rest[0])}`" if rest else ""
        message = f"say how long: `for 30m`, `for 1h` or `for 1d` follows the tools{found}"
        raise NotUnderstood(message)
    lasting, rest = lasting_of(rest[1:])
    number, rest = uses(rest)
    if rest:
        raise NotUnderstood(f"`{shown(rest[0])}` is too much; write `{form}`")
    return AskGrant(agent, target, lasting, number, said.reason, when)


def _withdraw(said: Typed) -> AskWithdraw:
    return AskWithdraw(_only("approval", said.words, "withdraw"), said.reason)


def _extend(said: Typed) -> AskExtend:
    """Read an approval, and how much more time it gets: `for 30m`, or `by 30m`."""
    words = said.words
    if not words[1:] or words[1].lower() not in {"for", "by"}:
        return AskExtend(_only("approval", words, "extend"))
    lasting, rest = lasting_of(words[2:])
    return AskExtend(_only("approval", [words[0], *rest], "extend"), lasting)


def _freeze(said: Typed) -> AskFreeze:
    """Read `agent NAME`, `server NAME` or `everything`; the rest is a duration and a reason."""
    words, reason = said.words, said.reason
    over, name, rest = _frozen(words, "freeze")
    lasting = None
    if rest and rest[0].lower() == "for":
        lasting, rest = lasting_of(rest[1:])
    return AskFreeze(over, name, lasting, joined(rest, reason))


def _unfreeze(said: Typed) -> AskUnfreeze:
    words, reason = said.words, said.reason
    if words and words[0].startswith("frz_"):
        return AskUnfreeze(None, _only("freeze", words, "unfreeze"), reason)
    over, name, rest = _frozen(words, "unfreeze")
    if rest and reason:
        raise NotUnderstood(f"`{shown(rest[0])}` is too much; write `{FORMS['unfreeze'].written}`")
    return AskUnfreeze(over, name, joined(rest, reason))


def _frozen(words: list[str], verb: str) -> tuple[Frozen, str, list[str]]:
    over = words[0].lower() if words else ""
    if over not in set(Frozen):
        found = f", not `{shown(words[0])}`" if words else ""
        message = (
            f"say what{found}: `agent`, `server` or `everything`; write `{FORMS[verb].written}`"
        )
        raise NotUnderstood(message)
    if over == Frozen.EVERYTHING:
        return Frozen.EVERYTHING, "", words[1:]
    if not words[1:]:
        raise NotUnderstood(f"say which {over}; write `{FORMS[verb].written}`")
    return Frozen(over), words[1], words[2:]


def _delegate(said: Typed) -> AskDelegate:
    words, form = said.words, FORMS["delegate"].written
    if not words:
        raise NotUnderstood(f"say who votes for you; write `{form}`")
    if not words[1:] or words[1].lower() != "for":
        raise NotUnderstood(f"say for how long, as in `for 2d`; write `{form}`")
    lasting, rest = lasting_of(words[2:])
    teams: list[str] = []
    if rest and rest[0].lower() == "in":
        teams = [team for word in rest[1:] for team in word.split(",") if team]
        if not teams:
            raise NotUnderstood(f"`in` wants a team after it; write `{form}`")
        rest = []
    if rest:
        raise NotUnderstood(f"`{shown(rest[0])}` is too much; write `{form}`")
    return AskDelegate(words[0], lasting, tuple(teams), said.reason)


def _break_glass(said: Typed) -> AskBreakGlass:
    words, form = said.words, FORMS["break-glass"].written
    reason = joined(words[1:], said.reason)
    if not words:
        raise NotUnderstood(f"say which approval; write `{form}`")
    if reason is None:
        raise NotUnderstood(f"breaking the glass takes a reason; write `{form}`")
    return AskBreakGlass(words[0], reason)


def _sign_off(said: Typed) -> AskSignOff:
    words, form = said.words, FORMS["sign-off"].written
    if not words:
        raise NotUnderstood(f"say which approval; write `{form}`")
    note = joined(words[1:], said.reason)
    if note is None:
        raise NotUnderstood(f"say what you found when you looked at it; write `{form}`")
    return AskSignOff(words[0], note)


def _help(said: Typed) -> AskHelp:
    words = said.words
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
        raise NotUnderstood(f"`{shown(words[1])}` is too much; write `{form}`")
    return words[0]


def _revoke(said: Typed) -> AskRevoke:
    words, reason = said.words, said.reason
    return AskRevoke(_only("grant", words, "revoke"), reason)


def _show(said: Typed) -> AskShow:
    words = said.words
    return AskShow(_only("approval", words, "show"))


def _alone(verb: str, asked: Asked) -> _Reader:
    """Return what reads a command that takes nothing more."""

    def read(said: Typed) -> Asked:
        if said.words:
            raise NotUnderstood(
                f"`{shown(said.words[0])}` is too much; write just `/placet {verb}`"
            )
        return asked

    return read


_READERS: Mapping[str, _Reader] = {
    "grant": _grant,
    "request": _request,
    "renew": lambda said: AskRenew(_only("grant", said.words, "renew")),
    "revoke": _revoke,
    "list": _alone("list", AskList()),
    "pending": _alone("pending", AskPending()),
    "show": _show,
    "extend": _extend,
    "withdraw": _withdraw,
    "freeze": _freeze,
    "unfreeze": _unfreeze,
    "freezes": _alone("freezes", AskFreezes()),
    "delegate": _delegate,
    "undelegate": _alone("undelegate", AskUndelegate()),
    "delegations": _alone("delegations", AskDelegations()),
    "break-glass": _break_glass,
    "sign-off": _sign_off,
    "after-reviews": _alone("after-reviews", AskAfterReviews()),
    "help": _help,
}
