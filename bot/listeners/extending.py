"""The button under a reminder that gives a question more time."""

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.desk.desk import Desk
from bot.drawing.feedback import sentence
from bot.drawing.patience_lines import EXTEND
from bot.requests.patience_requests import wait_longer
from bot.slack.payloads import Click
from bot.typed.asked import AskExtend
from policies.values.refusals import Refused


def register(app: AsyncApp, desk: Desk) -> None:
    """Listen to `Give it … more`."""

    @app.action(EXTEND)
    async def extend(ack: AsyncAck, body: dict[str, Any]) -> None:
        click = Click.model_validate(body)
        slack = desk.slack_of(click.teams, click.user.id)
        approval = click.action.value
        mark = click.action.action_ts or click.trigger_id
        command = f"extend:{slack}:{approval}:{mark}"
        try:
            told = await wait_longer(desk, AskExtend(approval), slack, command)
        except Refused as refused:
            told = f"Nothing changed. {sentence(str(refused))}"
        await ack()
        desk.whisper(click.container.channel_id, slack, told)
