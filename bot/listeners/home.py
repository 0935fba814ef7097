"""The home tab: opened, and its own buttons."""

import logging
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.asked import AskFreeze, AskWithdraw
from bot.desk import Desk
from bot.feedback import sentence
from bot.freeze_requests import freeze
from bot.home_look import LOOK_VIEW, look_modal
from bot.home_tabs import HomeTabs
from bot.home_view import FREEZE, LOOK, WITHDRAW
from bot.listeners.actions import spot_of
from bot.listeners.carried import carried
from bot.listeners.pressing import on_press
from bot.modals import REASON, Spot
from bot.patience_requests import take_back
from bot.payloads import Click, OpenedHome, Submission
from bot.voting import Ballot
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
