"""The home tab: opened, and its own buttons."""

import logging
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.desk.desk import Desk
from bot.desk.voting import Ballot
from bot.drawing.feedback import sentence
from bot.drawing.home_look import LOOK_VIEW, look_modal
from bot.drawing.home_view import FREEZE, LOOK, WITHDRAW
from bot.drawing.modals import REASON, Spot
from bot.listeners.actions import spot_of
from bot.listeners.carried import carried
from bot.listeners.pressing import on_press
from bot.requests.freeze_requests import freeze
from bot.requests.home_tabs import HomeTabs
from bot.requests.patience_requests import take_back
from bot.slack.payloads import Click, OpenedHome, Submission
from bot.typed.asked import AskFreeze, AskWithdraw
from policies.deciding.freezes import Frozen
from policies.values.refusals import Refused

_LOG = logging.getLogger(__name__)


def register(app: AsyncApp, desk: Desk, tabs: HomeTabs) -> None:
    """Listen to the tab being opened, and to the buttons that only it has."""

    @app.event("app_home_opened")
    async def opened(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        told = OpenedHome.model_validate(body)
        if told.event.tab == "home":
            tabs.opened(desk.slack_of(told.teams, told.event.user))

    @app.action(LOOK)
    async def look(ack: AsyncAck, body: dict[str, Any]) -> None:
        click = Click.model_validate(body)
        slack = desk.slack_of(click.teams, click.user.id)
        try:
            trouble = await _look(desk, click)
        except Refused as refused:
            trouble = sentence(str(refused))
        await ack()
        if trouble:
            desk.whisper("", slack, f"The call could not be shown: {trouble}")

    @app.view(LOOK_VIEW)
    async def approve(ack: AsyncAck, body: dict[str, Any]) -> None:
        await _approve(desk, ack, Submission.model_validate(body))

    async def withdraw(approval: str, slack: str, command: str) -> str:
        return await take_back(desk, AskWithdraw(approval), slack, command)

    async def stop(agent: str, slack: str, command: str) -> str:
        return (await freeze(desk, AskFreeze(Frozen.AGENT, agent), slack, command)).text

    on_press(app, desk, WITHDRAW, withdraw)
    on_press(app, desk, FREEZE, stop)


async def _look(desk: Desk, click: Click) -> str | None:
    """Open the whole card with a yes under it; return what went wrong, None where it is open."""
    approval = await desk.ledger.approval(click.action.value)
    if approval is None:
        return "there is no such approval."
    spot = spot_of(click).model_copy(update={"revision": approval.position})
    return await desk.open_modal(click.trigger_id, await look_modal(approval, spot, desk.directory))


async def _approve(desk: Desk, ack: AsyncAck, sent: Submission) -> None:
    """Cast the yes and close the dialog, or say in it why the vote did not count."""
    spot = await carried(Spot, sent, ack)
    if spot is None:
        return
    slack = desk.slack_of(sent.teams, sent.user.id)
    reason = sent.view.typed(REASON, REASON) or None
    ballot = Ballot(
        f"home:{slack}:{spot.approval}:{sent.mark}", slack, spot, approves=True, reason=reason
    )
    verdict = await desk.voting.cast(ballot)
    if verdict.refusal:
        await ack(response_action="errors", errors={REASON: sentence(verdict.refusal)[:2000]})
        return
    await ack()
    desk.tell(spot, slack, verdict.text)
