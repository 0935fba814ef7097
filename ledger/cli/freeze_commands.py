"""`placet freeze`, `placet unfreeze`, `placet freezes`: stops, put on and lifted at the shell."""

import argparse
import asyncio
import secrets
import uuid
from collections.abc import Sequence

from ledger.cli.argument_types import duration, words
from ledger.events.envelopes import Recorded
from ledger.events.freeze_events import FreezeBegun, FreezeEnded, FreezeRefused
from ledger.ledger import Ledger
from ledger.lives.freezes import BeginFreeze, EndFreeze, Freeze, the_one_over
from ledger.shell import AddCommand, Shell
from ledger.views.freeze_readings import freezes, freezes_in_force
from ledger.words.phrases import clock, named, quoted
from ledger.words.tabulating import machine, table
from policies.deciding.freezes import Frozen, subject
from policies.values.refusals import NotUnderstood, Refused


def register(add: AddCommand, shell: Shell) -> None:
    """Add `freeze`, `unfreeze` and `freezes`."""
    freeze = add(
        "freeze",
        help="stop all calls of an agent, to a server, or all there are",
        description="Stops all calls of an agent, to a server, or all there are, at once and on"
        " every replica. Calls that are at their servers already are not called back.",
        epilog="Example: placet freeze agent ci-bot --for 2h --because 'it deletes too much'",
    )
    shell.with_config(freeze)
    _what(freeze)
    freeze.add_argument(
        "--for",
        dest="lasting",
        metavar="DURATION",
        type=duration,
        help="how long, such as 30m or 2h; without it, until a second person lifts it",
    )
    freeze.add_argument("--because", metavar="TEXT", type=words, help="why; kept in the ledger")
    freeze.add_argument("--json", action="store_true", help="one JSON object")
    freeze.set_defaults(run=lambda arguments: _freeze(arguments, shell))
    _register_unfreeze(add, shell)
    listing = add(
        "freezes", help="list the freezes in force", description="Lists the freezes in force."
    )
    shell.with_config(listing)
    listing.add_argument("--all", action="store_true", help="the ended ones too")
    listing.add_argument("--json", action="store_true", help="one JSON array")
    listing.set_defaults(run=lambda arguments: _list(arguments, shell))


def _register_unfreeze(add: AddCommand, shell: Shell) -> None:
    unfreeze = add(
        "unfreeze",
        help="lift a freeze that somebody else began",
        description="Lifts a freeze. That takes a second person: nobody lifts their own.",
    )
    shell.with_config(unfreeze)
    unfreeze.add_argument(
        "over",
        metavar="agent|server|everything|ID",
        help="what is frozen, or the id of the freeze",
    )
    unfreeze.add_argument("name", metavar="NAME", nargs="?", default="", help="the agent or server")
    unfreeze.add_argument("--because", metavar="TEXT", type=words, help="why; kept in the ledger")
    unfreeze.add_argument("--json", action="store_true", help="one JSON object")
    unfreeze.set_defaults(run=lambda arguments: _unfreeze(arguments, shell))


def _what(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "over",
        metavar="agent|server|everything",
        choices=[over.value for over in Frozen],
        help="what to freeze",
    )
    parser.add_argument("name", metavar="NAME", nargs="?", default="", help="the agent or server")


def _freeze(arguments: argparse.Namespace, shell: Shell) -> int:
    over = Frozen(arguments.over)
    if (over is Frozen.EVERYTHING) == bool(arguments.name):
        raise NotUnderstood("write `agent NAME`, `server NAME` or `everything`")
    command = BeginFreeze(
        id=f"shell:{uuid.uuid4()}",
        actor=shell.actor,
        freeze=f"frz_{secrets.token_hex(6)}",
        over=over,
        name=arguments.name,
        lasting=arguments.lasting,
        reason=arguments.because or None,
    )
    with shell.open_ledger(arguments.config) as ledger:
        event = _agreed(asyncio.run(ledger.execute(command)))
    assert isinstance(event, FreezeBegun), "it is that or a refusal"
    if arguments.json:
        shell.say(machine(event.model_dump(mode="json")))
        return 0
    until = f"until {clock(event.until)}" if event.until else "until somebody else lifts it"
    shell.say(f"{event.freeze}: {subject(event.over, event.name)} is frozen {until}")
    return 0


def _unfreeze(arguments: argparse.Namespace, shell: Shell) -> int:
    async def lift(ledger: Ledger) -> Sequence[Recorded]:
        named = _wanted(await freezes_in_force(ledger), arguments.over, arguments.name)
        return await ledger.execute(
            EndFreeze(
                id=f"shell:{uuid.uuid4()}",
                actor=shell.actor,
                freeze=named,
                reason=arguments.because or None,
            )
        )

    with shell.open_ledger(arguments.config) as ledger:
        event = _agreed(asyncio.run(lift(ledger)))
    assert isinstance(event, FreezeEnded), "it is that or a refusal"
    if arguments.json:
        shell.say(machine(event.model_dump(mode="json")))
    else:
        shell.say(f"{event.freeze}: lifted")
    return 0


def _wanted(live: Sequence[Freeze], over: str, name: str) -> str:
    """Return the id of the one freeze that `agent NAME`, `everything` or an id names."""
    if over in set(Frozen):
        return the_one_over(live, Frozen(over), name)
    if name:
        raise NotUnderstood(f"`{over}` is not `agent` or `server`, and an id stands alone")
    return over


def _list(arguments: argparse.Namespace, shell: Shell) -> int:
    with shell.read_ledger(arguments.config) as ledger:
        if arguments.all:
            reading = ledger.look(lambda connection: freezes(connection, live=False))
        else:
            reading = freezes_in_force(ledger)
        found = asyncio.run(reading)
    if arguments.json:
        shell.say(machine([freeze.model_dump(mode="json") for freeze in found]))
        return 0
    if not found:
        shell.say("nothing is frozen" if not arguments.all else "nothing was ever frozen")
        return 0
    titles = ("ID", "WHAT", "BY", "SINCE", "UNTIL", "LIFTED", "REASON")
    for line in table(titles, [_row(freeze) for freeze in found]):
        shell.say(line)
    return 0


def _row(freeze: Freeze) -> tuple[str, ...]:
    what = f"{freeze.over} {named(freeze.name)}" if freeze.name else "everything"
    ended = "-"
    if freeze.ended_at is not None:
        ended = f"{clock(freeze.ended_at)} by {named(freeze.ended_by or 'its time')}"
    until = clock(freeze.until) if freeze.until else "-"
    reason = quoted(freeze.reason) if freeze.reason else "-"
    return (freeze.id, what, named(freeze.by), clock(freeze.begun_at), until, ended, reason)


def _agreed(recorded: Sequence[Recorded]) -> FreezeBegun | FreezeEnded:
    """Return the one event that a command caused. Raises Refused where the answer is no."""
    (one,) = recorded
    match one.event:
        case FreezeRefused() as refused:
            raise Refused(refused.message)
        case FreezeBegun() | FreezeEnded() as event:
            return event
        case _:
            raise TypeError(type(one.event).__name__)
