"""The buttons about freezes."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.desk import Desk
from bot.feedback import sentence
from bot.freeze_notices import UNFREEZE
from bot.freeze_requests import lift
from bot.payloads import Click
from policies.refusals import Refused


def register(app: AsyncApp, desk: Desk) -> None:
    """Listen to `Unfreeze`."""

    @app.action(UNFREEZE)
    async def unfreeze(ack: AsyncAck, body: dict[str, Any]) -> None:
        click = Click.model_validate(body)
        slack = desk.slack_of(click.teams, click.user.id)
        mark = click.action.action_ts or click.trigger_id
        try:
            told = await lift(
                desk, click.action.value, None, slack, f"lift:{slack}:{click.action.value}:{mark}"
            )
        except Refused as refused:
            told = f"Nothing changed. {sentence(str(refused))}"
        await ack()
        desk.whisper(click.container.channel_id, slack, told)
