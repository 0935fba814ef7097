"""Breaks the glass and signs it off for a person; the ledger decides, this only asks."""

from bot.desk.admission import admitted, evidence_for_any, evidence_of
from bot.desk.desk import Desk
from bot.drawing.answers import Answer, plainly, several
from bot.drawing.drawing import drawn
from bot.drawing.glass import break_modal, glass_row
from bot.slack.pieces import name, words
from ledger.events.glass_events import BreakGlassRefused
from ledger.lives.approvals import Approval
from ledger.lives.glasses import BreakGlass, SignOff, could_break
from ledger.views.glass_readings import open_glasses
from policies.values.refusals import Refused


async def open_break(
    desk: Desk, approval: str, reason: str, slack: str, *, channel: str, trigger: str
) -> Answer:
    """Open the dialog that asks again, for who could break the glass now. Raises Refused."""
    known = await _known(desk, approval)
    evidence = await evidence_of(desk, slack, ())
    where = could_break(known, evidence, desk.directory, evidence.fetched_at)
    if where.because:
        raise Refused(where.message)
    trouble = await desk.open_modal(trigger, break_modal(known, channel, reason))
    if trouble:
        raise Refused(f"the dialog could not be opened ({trouble}); type it again")
    return plainly("Nothing is approved yet: confirm it in the dialog.")


async def break_glass(
    desk: Desk, approval: str, reason: str, slack: str, command: str
) -> str | None:
    """Approve alone; return why not, None where it is done. Raises Refused."""
    known = await _known(desk, approval)
    evidence = await evidence_of(desk, slack, ())
    card = known.cards[-1] if known.cards else None
    revision = card.revision if card is not None else known.position
    recorded = await desk.ledger.execute(
        BreakGlass(
            id=command,
            actor=f"person:{evidence.person_in(desk.directory)}",
            approval=known.id,
            reason=reason,
            channel=card.channel if card is not None else "",
            ts=card.ts if card is not None else "",
            revision=revision,
            whole=(await drawn(known, desk.directory, revision)).whole,
            evidence=evidence,
        )
    )
    refused = [one.event.message for one in recorded if isinstance(one.event, BreakGlassRefused)]
    return refused[0] if refused else None


async def sign_off(
    desk: Desk, approval: str, note: str | None, slack: str, command: str
) -> str | None:
    """Sign a broken glass off; return why not, None where it is done. Raises Refused."""
    evidence = await evidence_for_any(desk, slack)
    recorded = await desk.ledger.execute(
        SignOff(
            id=command,
            actor=f"person:{evidence.person_in(desk.directory)}",
            approval=approval,
            note=note,
            evidence=evidence,
        )
    )
    refused = [one.event.message for one in recorded if isinstance(one.event, BreakGlassRefused)]
    return refused[0] if refused else None


async def listed(desk: Desk, slack: str) -> Answer:
    """Return the broken glasses that nobody has signed off. Raises Refused."""
    await admitted(desk, slack)
    found = await open_glasses(desk.ledger)
    if not found:
        return plainly("No broken glass waits to be signed off.")
    ending = [
        [words("Look at one with "), name("/placet show APPROVAL")],
        [words("Sign it off with "), name("/placet sign-off APPROVAL NOTE")],
    ]
    rows = [[glass_row(glass, desk.directory)] for glass in found]
    return several(f"{len(found)} broken glasses wait to be signed off", rows, ending)


async def _known(desk: Desk, approval: str) -> Approval:
    known = await desk.ledger.approval(approval)
    if known is None:
        raise Refused(f"there is no approval `{approval}`; `/placet pending` lists the open ones")
    return known
