"""Listens to buttons that do one thing at once and tell the person what came of it."""

from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.desk.desk import Desk
from bot.desk.refusals import noted
from bot.drawing.feedback import sentence
from bot.slack.payloads import Click
from policies.values.refusals import Refused

Work = Callable[[str, str, str], Awaitable[str]]
"""Does something about the thing with an id for a person, as the command with another id."""


def on_press(app: AsyncApp, desk: Desk, action: str, work: Work) -> None:
    """Have `work` done when the button `action` is pressed; what it returns is told."""

    @app.action(action)
    async def press(ack: AsyncAck, body: dict[str, Any]) -> None:
        click = Click.model_validate(body)
        slack = desk.slack_of(click.teams, click.user.id)
        mark = click.action.action_ts or click.trigger_id
        named = click.action.value
        command = f"{action}:{slack}:{named}:{mark}"
        try:
            told = await work(named, slack, command)
        except Refused as refused:
            message = await noted(desk, refused, action, slack, command)
            told = f"Nothing changed. {sentence(message)}"
        await ack()
        desk.whisper(click.container.channel_id, slack, told)
