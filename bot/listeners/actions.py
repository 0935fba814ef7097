"""Buttons: approve once, deny, details and its pages."""

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.desk.admission import kept_out
from bot.desk.desk import Desk
from bot.desk.voting import Ballot
from bot.drawing.cards import APPROVE, DENY, DETAILS, revision_of
from bot.drawing.denials import deny_modal
from bot.drawing.feedback import sentence
from bot.drawing.modals import NEXT, PREVIOUS, Spot, approve_modal
from bot.listeners.reading import open_details, turn_page
from bot.slack.payloads import Click
from ledger.lives.approvals import Approval, ApprovalStatus
from policies.values.refusals import Refused

_LOG = logging.getLogger(__name__)


def register(app: AsyncApp, desk: Desk) -> None:
    """Listen to the buttons. What is no button of ours is acknowledged and ignored."""

    @app.action(APPROVE)
    async def approve(ack: AsyncAck, body: dict[str, Any]) -> None:
        click = Click.model_validate(body)
        await carry_out(desk, click, _approve)
        await ack()

    @app.action(DENY)
    async def deny(ack: AsyncAck, body: dict[str, Any]) -> None:
        click = Click.model_validate(body)
        await carry_out(desk, click, _deny)
        await ack()

    @app.action(DETAILS)
    async def details(ack: AsyncAck, body: dict[str, Any]) -> None:
        click = Click.model_validate(body)
        await carry_out(desk, click, open_details)
        await ack()

    @app.action(re.compile(f"{re.escape(NEXT)}|{re.escape(PREVIOUS)}"))
    async def turn(ack: AsyncAck, body: dict[str, Any]) -> None:
        click = Click.model_validate(body)
        try:
            await turn_page(desk, click, 1 if click.action.action_id == NEXT else -1)
        except Refused as refused:
            _LOG.warning("a page of the details was not turned: %s", refused)
        await ack()

    @app.action(re.compile(".*"))
    async def ignore(ack: AsyncAck) -> None:
        await ack()
        _LOG.info("a button that is none of ours was pressed")


def spot_of(click: Click) -> Spot:
    """Return the card that a button stands on; revision 0 where its block id is none of ours."""
    return Spot(
        approval=click.action.value,
        channel=click.container.channel_id,
        ts=click.container.message_ts,
        revision=revision_of(click.action.block_id) or 0,
    )


async def carry_out(
    desk: Desk, click: Click, work: Callable[[Desk, Click, Spot], Awaitable[None]]
) -> None:
    """Do what a click asks for; where the ledger is away, say so."""
    spot = spot_of(click)
    try:
        await work(desk, click, spot)
    except Refused as refused:
        who = desk.slack_of(click.teams, click.user.id)
        desk.tell(spot, who, f"Nothing was recorded. {sentence(str(refused))}")


async def _approve(desk: Desk, click: Click, spot: Spot) -> None:
    approval = await desk.ledger.approval(spot.approval)
    if approval is not None and is_pending(approval) and approval.request.reason_required:
        await open_modal(desk, click, spot, approve_modal(approval, spot))
        return
    await cast(desk, click, spot, approves=True)


async def _deny(desk: Desk, click: Click, spot: Spot) -> None:
    approval = await desk.ledger.approval(spot.approval)
    if approval is not None and is_pending(approval):
        await open_modal(desk, click, spot, deny_modal(approval, spot, desk.denials))
        return
    await cast(desk, click, spot, approves=False)


async def open_modal(desk: Desk, click: Click, spot: Spot, view: dict[str, Any]) -> None:
    """Open a modal for who clicked, or tell them why they may not look, or Slack would not."""
    slack, asked = desk.slack_of(click.teams, click.user.id), click.action.action_id
    mark = click.action.action_ts or click.trigger_id
    refused = await kept_out(desk, slack, asked, f"{asked}:{slack}:{spot.approval}:{mark}")
    if refused:
        desk.tell(spot, slack, f"Nothing was opened. {sentence(refused)}")
        return
    trouble = await desk.open_modal(click.trigger_id, view)
    if trouble:
        desk.tell(spot, slack, f"Nothing was recorded: {trouble}. Press again.")


async def cast(desk: Desk, click: Click, spot: Spot, *, approves: bool) -> None:
    """Cast the vote that a click is, and tell who clicked what it came to."""
    slack = desk.slack_of(click.teams, click.user.id)
    mark = click.action.action_ts or click.trigger_id
    ballot = Ballot(f"vote:{slack}:{spot.approval}:{mark}", slack, spot, approves)
    verdict = await desk.voting.cast(ballot)
    desk.tell(spot, slack, verdict.text)


def is_pending(approval: Approval) -> bool:
    """Tell whether people can still decide."""
    return approval.status is ApprovalStatus.PENDING
