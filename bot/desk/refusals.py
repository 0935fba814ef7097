"""Notes in the ledger that a person was refused, and says why."""

import contextlib

from bot.desk.desk import Desk
from ledger.events.refusals import NoteRefusal
from policies.values.refusals import Refused


async def noted(desk: Desk, refused: Refused, asked: str, slack: str, command: str) -> str:
    """Record a refusal of `asked` as far as the ledger is there, and return its message."""
    person = desk.directory.person_at(slack)
    with contextlib.suppress(Refused):  # the ledger is away: then that is why it was refused
        await desk.ledger.execute(
            NoteRefusal(
                id=f"{command}:refused",
                actor=f"person:{person}",
                person=person,
                asked=asked,
                message=str(refused),
            )
        )
    return str(refused)
