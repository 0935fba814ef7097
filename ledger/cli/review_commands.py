"""`placet approvals sign-off` and the list of what nobody has looked at yet after a break-glass."""

import argparse
import asyncio
import uuid
from collections.abc import Sequence

from ledger.cli.argument_types import words
from ledger.events.glass_events import BreakGlassRefused
from ledger.lives.glasses import Glass, SignOff
from ledger.shell import AddCommand, Shell
from ledger.views.glass_readings import open_glasses
from ledger.words.phrases import clock, named, quoted, several
from ledger.words.tabulating import machine, table
from policies.values.refusals import Refused


def register(add: AddCommand, shell: Shell) -> None:
    """Add `approvals sign-off`."""
    parser = add(
        "sign-off",
        help="say that you looked at a broken glass",
        description="Says that you looked at a call that one person approved alone by breaking"
        " the glass. `placet approvals list --after-review` names those that wait for it.",
    )
    shell.with_config(parser)
    parser.add_argument("id", metavar="APPROVAL", help="the approval's id")
    parser.add_argument("--note", metavar="TEXT", type=words, required=True, help="what you found")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.set_defaults(run=lambda arguments: _sign_off(arguments, shell))


def list_after_reviews(arguments: argparse.Namespace, shell: Shell) -> int:
    """Print the broken glasses that nobody has signed off yet."""
    with shell.read_ledger(arguments.config) as ledger:
        found = asyncio.run(open_glasses(ledger))
    if arguments.json:
        shell.say(machine([glass.model_dump(mode="json") for glass in found]))
        return 0
    for line in _table(found) if found else ["no broken glass waits to be signed off"]:
        shell.say(line)
    return 0


def _table(found: Sequence[Glass]) -> list[str]:
    titles = ("APPROVAL", "AGENT", "TOOL", "BY", "AT", "SKIPPED", "REASON")
    rows = [
        (
            glass.approval,
            named(glass.agent),
            named(f"{glass.server}/{glass.tool}"),
            named(glass.by),
            clock(glass.broken_at),
            several(glass.skipped),
            quoted(glass.reason),
        )
        for glass in found
    ]
    return list(table(titles, rows))


def _sign_off(arguments: argparse.Namespace, shell: Shell) -> int:
    command = SignOff(
        id=f"shell:{uuid.uuid4()}",
        actor=shell.actor,
        approval=arguments.id,
        note=arguments.note,
    )
    with shell.open_ledger(arguments.config) as ledger:
        (recorded,) = asyncio.run(ledger.execute(command))
    if isinstance(recorded.event, BreakGlassRefused):
        raise Refused(recorded.event.message)
    if arguments.json:
        shell.say(machine(recorded.event.model_dump(mode="json")))
    else:
        shell.say(f"{arguments.id}: signed off")
    return 0
