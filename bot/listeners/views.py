"""Submitted modals: a denial or an approval, each with its reason."""

import logging
import re
from typing import Any

from pydantic import ValidationError
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.desk import Desk
from bot.feedback import sentence
from bot.modals import APPROVE_VIEW, DENY_VIEW, REASON, Spot
from bot.payloads import Submission
from bot.voting import Ballot

_LOG = logging.getLogger(__name__)


def register(app: AsyncApp, desk: Desk) -> None:
    """Listen to the modals; one that is none of ours is closed."""

    @app.view(DENY_VIEW)
    async def deny(ack: AsyncAck, body: dict[str, Any]) -> None:
        await _submit(desk, ack, Submission.model_validate(body), approves=False)

    @app.view(APPROVE_VIEW)
    async def approve(ack: AsyncAck, body: dict[str, Any]) -> None:
        await _submit(desk, ack, Submission.model_validate(body), approves=True)

    @app.view(re.compile(".*"))
    async def ignore(ack: AsyncAck) -> None:
        await ack()

    @app.view_closed(re.compile(".*"))
    async def closed(ack: AsyncAck) -> None:
        await ack()


async def _submit(desk: Desk, ack: AsyncAck, sent: Submission, *, approves: bool) -> None:
    """Cast the vote and close the modal, or say under its field why the vote did not count."""
    try:
        spot = Spot.model_validate_json(sent.view.private_metadata)
    except ValidationError:
        _LOG.warning("a modal came back without the card it belongs to")
        await ack()
        return
    reason = sent.view.typed(REASON, REASON)
    if not reason:
        await ack(response_action="errors", errors={REASON: "Write a reason, please."})
        return
    slack = desk.slack_of(sent.teams, sent.user.id)
    mark = f"{sent.view.id}:{sent.trigger_id or sent.view.hash}"
    ballot = Ballot(f"submit:{slack}:{spot.approval}:{mark}", slack, spot, approves, reason)
    verdict = await desk.voting.cast(ballot)
    if verdict.refusal:
        await ack(response_action="errors", errors={REASON: sentence(verdict.refusal)[:2000]})
    else:
        await ack()
    desk.tell(spot, slack, verdict.text)
