"""`placet audit log` and `placet audit show`: what happened, in order, and why."""

import argparse
import asyncio
import difflib
from dataclasses import replace

from sqlalchemy import Connection

from ledger.audit.searching import MOST_NAMED, TELLABLE, found, story
from ledger.audit.spans import Span, newest, span_between, streamed
from ledger.audit.stories import event_as_json, told, told_as_json
from ledger.cli.argument_types import positive
from ledger.cli.event_arguments import bounds, chosen, with_choice
from ledger.events.catalogue import EVENTS
from ledger.events.envelopes import Recorded
from ledger.ledger import Ledger
from ledger.readings.moments import head
from ledger.shell import AddCommand, Shell
from ledger.words.phrases import clock, named
from ledger.words.sentences import sentence
from ledger.words.tabulating import machine
from policies.values.refusals import Refused

_FOLLOW_EVERY = 0.5


def register(add: AddCommand, shell: Shell) -> None:
    """Add `log` and `show` to the commands of `audit`."""
    log = add(
        "log",
        help="list the events",
        description="Lists the events in the order of their positions, one on a line.",
    )
    shell.with_config(log)
    with_choice(log)
    log.add_argument(
        "--event", metavar="NAME", action="append", help="only events of this name (repeatable)"
    )
    log.add_argument("--limit", metavar="N", type=positive, help="only the last N of these")
    log.add_argument("--json", action="store_true", help="one JSON object on a line, in full")
    log.set_defaults(run=lambda arguments: _log(arguments, shell))
    show = add(
        "show",
        help="tell the whole story of a call, an approval or a grant",
        description="Tells the whole story of a call, an approval or a grant, in order.",
    )
    shell.with_config(show)
    show.add_argument("id", metavar="ID", help="its id, or as much of it as names one only")
    show.add_argument("--cards", action="store_true", help="show the blocks of the cards too")
    show.add_argument("--json", action="store_true", help="one JSON object, every event in full")
    show.set_defaults(run=lambda arguments: _show(arguments, shell))


def _log(arguments: argparse.Namespace, shell: Shell) -> int:
    since, until = bounds(arguments, shell.now())
    wanted = chosen(arguments, _names(arguments.event or []))
    write = _as_json if arguments.json else _as_text

    async def print_log(ledger: Ledger) -> None:
        span = await ledger.look(lambda connection: span_between(connection, since, until))
        if arguments.limit:
            for recorded in await newest(ledger, wanted, span, arguments.limit):
                shell.say(write(recorded))
        else:
            async for recorded in streamed(ledger, wanted, span):
                shell.say(write(recorded))
        while arguments.follow:
            await asyncio.sleep(_FOLLOW_EVERY)
            span = Span(span.last, await ledger.look(head))
            async for recorded in streamed(ledger, wanted, span):
                shell.say(write(recorded))

    with shell.read_ledger(arguments.config) as ledger:
        try:
            asyncio.run(print_log(ledger))
        except KeyboardInterrupt:
            return 0
    return 0


def _names(names: list[str]) -> frozenset[str]:
    known = [event.TOPIC for event in EVENTS]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5) or ["CallDecided"]
            raise Refused(f"there is no event `{name}`; perhaps `{near[0]}`")
    return frozenset(names)


def _as_text(recorded: Recorded) -> str:
    return (
        f"{recorded.position:>6}  {clock(recorded.at)}  {recorded.event.TOPIC:<18}"
        f"  {named(recorded.actor):<16}  {sentence(recorded.event)}"
        + " (redacted)"
        * recorded.redacted
    )


def _as_json(recorded: Recorded) -> str:
    return machine(event_as_json(recorded))


def _show(arguments: argparse.Namespace, shell: Shell) -> int:
    with shell.read_ledger(arguments.config) as ledger:
        kind, name = asyncio.run(ledger.look(lambda connection: the_one(connection, arguments.id)))
        whole = asyncio.run(ledger.look(lambda connection: story(connection, kind, name)))
    assert whole is not None, "it was found a moment ago, and nothing is ever deleted"
    if arguments.json:
        shell.say(machine(told_as_json(whole)))
        return 0
    for line in told(replace(whole, cards=arguments.cards)):
        shell.say(line)
    return 0


def the_one(
    connection: Connection, text: str, kinds: tuple[str, ...] = TELLABLE
) -> tuple[str, str]:
    """Return kind and id of the one thing that `text` names. Raises Refused for none or several."""
    named_so = found(connection, text, kinds)
    if not named_so:
        what = " or ".join(kinds)
        raise Refused(f"there is no {what} `{text}`; `placet audit log` names what there is")
    if len(named_so) > 1:
        more = " and more" if len(named_so) == MOST_NAMED else ""
        names = ", ".join(name for _, name in named_so)
        raise Refused(f"`{text}` is the beginning of several: {names}{more}; write more of it")
    return named_so[0]
