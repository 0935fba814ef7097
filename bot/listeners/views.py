"""Submitted modals: a denial or an approval, each with its reason."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeAlias

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.desk.desk import Desk
from bot.desk.voting import Ballot
from bot.drawing.denials import DENY_VIEW, Denial, denial
from bot.drawing.feedback import sentence
from bot.drawing.modals import APPROVE_VIEW, REASON, Spot
from bot.listeners.carried import carried
from bot.slack.payloads import Submission
from ledger.lives.policy_in_force import hidden_by
from policies.values.refusals import Refused

_LOG = logging.getLogger(__name__)

_Errors: TypeAlias = dict[str, str]
"""What is wrong with what was filled in, by the block that it stands under."""

_Read: TypeAlias = Callable[[Desk, Submission, Ballot], Awaitable[Ballot | _Errors]]


def register(app: AsyncApp, desk: Desk) -> None:
    """Listen to the modals; one that is none of ours is closed."""

    @app.view(DENY_VIEW)
    async def deny(ack: AsyncAck, body: dict[str, Any]) -> None:
        await _submit(desk, ack, Submission.model_validate(body), _no)

    @app.view(APPROVE_VIEW)
    async def approve(ack: AsyncAck, body: dict[str, Any]) -> None:
        await _submit(desk, ack, Submission.model_validate(body), _yes)

    @app.view(re.compile(".*"))
    async def ignore(ack: AsyncAck) -> None:
        await ack()

    @app.view_closed(re.compile(".*"))
    async def closed(ack: AsyncAck) -> None:
        await ack()


async def _submit(desk: Desk, ack: AsyncAck, sent: Submission, read: _Read) -> None:
    """Cast the vote and close the modal, or say under its field why the vote did not count."""
    spot = await carried(Spot, sent, ack)
    if spot is None:
        return
    slack = desk.slack_of(sent.teams, sent.user.id)
    ballot = Ballot(f"submit:{slack}:{spot.approval}:{sent.mark}", slack, spot, approves=False)
    filled = await read(desk, sent, ballot)
    if not isinstance(filled, Ballot):
        await ack(response_action="errors", errors=filled)
        return
    verdict = await desk.voting.cast(filled)
    if verdict.refusal:
        await ack(response_action="errors", errors={REASON: sentence(verdict.refusal)[:2000]})
    else:
        await ack()
    desk.tell(spot, slack, verdict.text)


async def _yes(_desk: Desk, sent: Submission, ballot: Ballot) -> Ballot | _Errors:
    reason = sent.view.typed(REASON, REASON)
    if not reason:
        return {REASON: "Write a reason, please."}
    return replace(ballot, approves=True, reason=reason)


async def _no(desk: Desk, sent: Submission, ballot: Ballot) -> Ballot | _Errors:
    try:
        approval = await desk.ledger.approval(ballot.spot.approval)
        policy = await desk.ledger.policy_in_force()
    except Refused as refused:
        return {REASON: sentence(str(refused))[:2000]}
    if approval is None:
        return {REASON: "There is no such approval."}
    hidden = await asyncio.to_thread(hidden_by, policy.text) if policy else ()
    match denial(sent.view, approval.request, hidden):
        case Denial(reason, suggested):
            return replace(ballot, reason=reason, suggested=suggested)
        case errors:
            return errors
