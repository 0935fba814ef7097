"""The dialogs and the button about broken glasses."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.desk.desk import Desk
from bot.drawing.feedback import sentence
from bot.drawing.glass import BREAK_VIEW, REASON, SIGN_OFF, SIGN_VIEW, Breaking, sign_modal
from bot.listeners.carried import carried
from bot.requests.glass_requests import break_glass, sign_off
from bot.slack.payloads import Click, Submission
from ledger.lives.glasses import glass_of
from ledger.views.glass_readings import glass_by_id
from policies.values.refusals import Refused

_LOG = logging.getLogger(__name__)

_Work = Callable[[Desk, str, str, str, str], Awaitable[str | None]]


def register(app: AsyncApp, desk: Desk) -> None:
    """Listen to both dialogs, and to `Sign off`."""

    @app.view(BREAK_VIEW)
    async def broken(ack: AsyncAck, body: dict[str, Any]) -> None:
        told = "Approved by breaking the glass. Everybody who was skipped is told."
        await _submit(desk, ack, Submission.model_validate(body), break_glass, told)

    @app.view(SIGN_VIEW)
    async def signed(ack: AsyncAck, body: dict[str, Any]) -> None:
        await _submit(desk, ack, Submission.model_validate(body), sign_off, "Signed off.")

    @app.action(SIGN_OFF)
    async def look(ack: AsyncAck, body: dict[str, Any]) -> None:
        click = Click.model_validate(body)
        try:
            told = await _look(desk, click)
        except Refused as refused:
            told = f"Nothing was recorded. {sentence(str(refused))}"
        await ack()
        if told:
            slack = desk.slack_of(click.teams, click.user.id)
            desk.whisper(click.container.channel_id, slack, told)


async def _look(desk: Desk, click: Click) -> str | None:
    """Open the dialog of a broken glass; return what went wrong, None where it is open."""
    glass = await glass_by_id(desk.ledger, glass_of(click.action.value))
    if glass is None:
        return "There is no such broken glass."
    view = sign_modal(glass, click.container.channel_id, desk.directory)
    trouble = await desk.open_modal(click.trigger_id, view)
    return f"The dialog could not be opened: {trouble}. Press again." if trouble else None


async def _submit(desk: Desk, ack: AsyncAck, sent: Submission, work: _Work, done: str) -> None:
    """Do what a dialog was submitted for, or say under its field why not."""
    about = await carried(Breaking, sent, ack)
    if about is None:
        return
    slack = desk.slack_of(sent.teams, sent.user.id)
    reason = sent.view.typed(REASON, REASON)
    try:
        wrong = await work(
            desk, about.approval, reason, slack, f"glass:{slack}:{about.approval}:{sent.mark}"
        )
    except Refused as refused:
        wrong = str(refused)
    if wrong:
        await ack(response_action="errors", errors={REASON: sentence(wrong)[:2000]})
        return
    await ack()
    if about.channel:
        desk.whisper(about.channel, slack, done)
