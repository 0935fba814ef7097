"""Freezes and lifts what a person asked for; the ledger decides, this only asks."""

import hashlib

from bot.desk.admission import admitted, evidence_for_any
from bot.desk.desk import Desk
from bot.drawing.answers import Answer, answer, plainly, several
from bot.drawing.freeze_notices import stands
from bot.drawing.wording import Row, so_many
from bot.slack.pieces import name, words
from bot.typed.asked import AskFreeze, AskUnfreeze
from ledger.events.freeze_events import FreezeRefused
from ledger.lives.freezes import BeginFreeze, EndFreeze, Freeze, the_one_over
from ledger.views.freeze_readings import freeze_of, freezes_in_force
from policies.deciding.freezes import subject


async def freeze(desk: Desk, asked: AskFreeze, slack: str, command: str) -> Answer:
    """Freeze something. Raises Refused."""
    named = f"frz_{hashlib.sha256(command.encode()).hexdigest()[:12]}"
    evidence = await evidence_for_any(desk, slack)
    recorded = await desk.ledger.execute(
        BeginFreeze(
            id=command,
            actor=f"person:{evidence.person_in(desk.directory)}",
            freeze=named,
            over=asked.over,
            name=asked.name,
            lasting=asked.lasting,
            reason=asked.reason,
            evidence=evidence,
        )
    )
    for one in recorded:
        if isinstance(one.event, FreezeRefused):
            return plainly(f"Refused: {one.event.message}.")
    begun = await freeze_of(desk.ledger, named)
    assert begun is not None, "it is that or a refusal"
    rows: list[Row] = [
        stands(begun, desk.directory),
        [words("From now on no call of it runs, approved or not; what was sent is sent.")],
        [words("Somebody else lifts it with "), name(f"/placet unfreeze {begun.id}")],
    ]
    return answer(f"{subject(begun.over, begun.name)} is frozen", rows)


async def unfreeze(desk: Desk, asked: AskUnfreeze, slack: str, command: str) -> Answer:
    """Lift a freeze. Raises Refused."""
    named = asked.name
    if asked.over is not None:
        live = await freezes_in_force(desk.ledger)
        named = the_one_over(live, asked.over, asked.name)
    return plainly(await lift(desk, named, asked.reason, slack, command))


async def lift(desk: Desk, freeze: str, reason: str | None, slack: str, command: str) -> str:
    """Lift the freeze with this id and return what came of it, in a sentence. Raises Refused."""
    evidence = await evidence_for_any(desk, slack)
    recorded = await desk.ledger.execute(
        EndFreeze(
            id=command,
            actor=f"person:{evidence.person_in(desk.directory)}",
            freeze=freeze,
            reason=reason,
            evidence=evidence,
        )
    )
    for one in recorded:
        if isinstance(one.event, FreezeRefused):
            return f"Refused: {one.event.message}."
    others = [each for each in await freezes_in_force(desk.ledger) if each.id != freeze]
    if not others:
        return f"Lifted {freeze}. Calls run again as the policy says."
    count = "another freeze is" if len(others) == 1 else f"{len(others)} other freezes are"
    return f"Lifted {freeze}, but {count} in force still: /placet freezes names what stays stopped."


async def listed(desk: Desk, slack: str) -> Answer:
    """Return what is frozen now. Raises Refused."""
    await admitted(desk, slack)
    found = await freezes_in_force(desk.ledger)
    if not found:
        return plainly("Nothing is frozen.")
    rows = [_rows(freeze, desk) for freeze in found]
    return several(so_many(len(found), "freeze is in force", "freezes are in force"), rows)


def _rows(freeze: Freeze, desk: Desk) -> list[Row]:
    because = [words(" Reason: "), name(freeze.reason, 120)] if freeze.reason else []
    return [[name(freeze.id, 60), words("  "), *stands(freeze, desk.directory), *because]]
