"""`placet audit projections`: proves that what is kept is what the events make, or mends it."""

import argparse
import asyncio
import json
from collections.abc import Iterator
from typing import Any

from ledger.ledger import Ledger
from ledger.replaying.mending import Mended
from ledger.replaying.rebuilding import Difference, is_text
from ledger.replaying.walking import UNREADABLE
from ledger.shell import AddCommand, Shell
from ledger.storage.tables import PROJECTIONS
from ledger.words.phrases import named, quoted
from ledger.words.reaching import Progress
from ledger.words.tabulating import machine
from policies.values.refusals import Refused

_SHOWN = 100
"""Differences that are listed; the others are counted."""

_AT_THE_GATE = frozenset({"agent", "server", "tool"})
"""Kinds that a gateway reads when it starts, and then follows event by event."""


def register(add: AddCommand, shell: Shell) -> None:
    """Add `projections` to the commands of `audit`."""
    proving = add(
        "projections",
        help="prove that every projection is what the events make",
        description="Rebuilds every projection from the first event on and compares it, row by"
        " row, with the one that is kept. Exits with 1 where any row differs.",
    )
    shell.with_config(proving)
    proving.add_argument(
        "--rebuild",
        action="store_true",
        help="put what the events make in place of the rows that differ, while others go on",
    )
    proving.add_argument("--json", action="store_true", help="one JSON object")
    proving.set_defaults(run=lambda arguments: _projections(arguments, shell))


def _projections(arguments: argparse.Namespace, shell: Shell) -> int:
    progress = Progress()
    reached = 0

    def count(done: int, of: int) -> None:
        nonlocal reached
        reached = done
        progress(done, of)

    async def compared(ledger: Ledger) -> Mended:
        if arguments.rebuild:
            return await ledger.mend(shell.actor, count)
        return Mended(await ledger.differences(count), reached)

    opened = shell.open_ledger if arguments.rebuild else shell.read_ledger
    with opened(arguments.config) as ledger, progress.shown():
        try:
            found = asyncio.run(compared(ledger))
        except UNREADABLE as error:
            message = "the events cannot be folded; `placet audit replay` names the wrong ones"
            raise Refused(message) from error
    say = _said_as_json if arguments.json else _said
    for line in say(found, mended=arguments.rebuild):
        shell.say(line)
    return 1 if found.differences and not arguments.rebuild else 0


def _said(found: Mended, *, mended: bool) -> Iterator[str]:
    differences = found.differences
    if not differences:
        yield f"{found.position} events folded: every projection is what they make"
        return
    more = ", and were replaced" if mended else ""
    yield f"{len(differences)} rows differ from what {found.position} events make{more}:"
    for difference in differences[:_SHOWN]:
        yield f"  {difference.kind} {_named(difference.id)}: {'; '.join(_what(difference))}"
    if len(differences) > _SHOWN:
        yield f"  and {len(differences) - _SHOWN} more"
    if mended and _AT_THE_GATE & {difference.kind for difference in differences}:
        yield "restart each `placet serve`: its gateway reads these when it starts"


def _named(name: object) -> str:
    """Return an id as it is shown; what is none, such as bytes, as Python writes it."""
    return named(name) if isinstance(name, str) and is_text(name) else ascii(name)


def _what(difference: Difference) -> Iterator[str]:
    if difference.kept is None:
        yield "the row is missing"
    elif difference.rebuilt is None:
        yield "no event makes this row"
    else:
        for name, kept, made in _columns(difference):
            yield f"{name} is {quoted(str(kept), 80)} and should be {quoted(str(made), 80)}"


def _columns(difference: Difference) -> Iterator[tuple[str, object, object]]:
    """Yield name, kept and rebuilt value of what differs; the state's members one by one."""
    columns = [column.name for column in PROJECTIONS[difference.kind].columns]
    for name, kept, made in zip(
        columns, difference.kept or (), difference.rebuilt or (), strict=True
    ):
        if kept == made:
            continue
        if name == "state":
            yield from _members(str(kept), str(made))
        else:
            yield name, kept, made


def _members(kept: str, made: str) -> Iterator[tuple[str, object, object]]:
    before, after = _object(kept), _object(made)
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    if not names:
        yield "state", kept, made
    for name in names:
        yield f"state.{name}", before.get(name), after.get(name)


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {"unreadable": text}
    return found if isinstance(found, dict) else {"unreadable": text}


def _said_as_json(found: Mended, *, mended: bool) -> Iterator[str]:
    yield machine(
        {
            "events": found.position,
            "equal": not found.differences,
            "mended": mended and bool(found.differences),
            "differences": [
                {"kind": each.kind, "id": each.id, "what": list(_what(each))}
                for each in found.differences
            ],
        }
    )
