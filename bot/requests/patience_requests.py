"""Gives a question more time or takes it back, as a person asked; the ledger decides."""

from collections.abc import Sequence

from bot.desk.admission import evidence_of
from bot.desk.desk import Desk
from bot.desk.voting import groups_of
from bot.drawing.answers import Answer, plainly
from bot.drawing.feedback import sentence
from bot.typed.asked import AskExtend, AskWithdraw
from ledger.events.envelopes import Recorded
from ledger.events.patience_events import ApprovalExtended, StepRefused
from ledger.lives.approvals import Approval
from ledger.lives.steps import ExtendApproval, WithdrawApproval
from policies.values.refusals import Refused


async def wait_longer(desk: Desk, asked: AskExtend, slack: str, command: str) -> str:
    """Give a question more time and return what came of it, in a sentence. Raises Refused."""
    approval = await _known(desk, asked.approval)
    lasting = asked.lasting or approval.request.expires_at - approval.requested_at
    evidence = await evidence_of(desk, slack, groups_of(approval, desk.directory))
    recorded = await desk.ledger.execute(
        ExtendApproval(
            id=command,
            actor=f"person:{evidence.person_in(desk.directory)}",
            approval=approval.id,
            lasting=lasting,
            evidence=evidence,
        )
    )
    for one in recorded:
        if isinstance(one.event, ApprovalExtended):
            return f"It waits until {one.event.until:%Y-%m-%d %H:%M} UTC now."
    return _refusal(recorded)


async def take_back(desk: Desk, asked: AskWithdraw, slack: str, command: str) -> str:
    """Take a question back and return what came of it, in a sentence. Raises Refused."""
    approval = await _known(desk, asked.approval)
    evidence = await evidence_of(desk, slack, ())
    recorded = await desk.ledger.execute(
        WithdrawApproval(
            id=command,
            actor=f"person:{evidence.person_in(desk.directory)}",
            approval=approval.id,
            reason=asked.reason,
            evidence=evidence,
        )
    )
    if any(isinstance(one.event, StepRefused) for one in recorded):
        return _refusal(recorded)
    return f"Taken back: {approval.id} asks nobody any more. The agent is told."


async def about_waiting(
    desk: Desk, asked: AskExtend | AskWithdraw, slack: str, command: str
) -> Answer:
    """Return the answer to such a command. Raises Refused."""
    match asked:
        case AskExtend():
            return plainly(await wait_longer(desk, asked, slack, command))
        case AskWithdraw():
            return plainly(await take_back(desk, asked, slack, command))


async def _known(desk: Desk, name: str) -> Approval:
    approval = await desk.ledger.approval(name)
    if approval is None:
        raise Refused(f"there is no approval `{name}`; `/placet pending` lists the open ones")
    return approval


def _refusal(recorded: Sequence[Recorded]) -> str:
    refused = [one.event.message for one in recorded if isinstance(one.event, StepRefused)]
    return f"Nothing changed. {sentence(refused[0])}" if refused else "Nothing changed."
