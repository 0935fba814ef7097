"""The slash command `/placet`."""

import logging
import re
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.desk.desk import Desk
from bot.requests.requests import Origin, Requests
from bot.slack.payloads import Typed

COMMAND = "/placet"

_LOG = logging.getLogger(__name__)


def register(app: AsyncApp, desk: Desk, requests: Requests) -> None:
    """Listen to the command; the answer is in the acknowledgement, for one person's eyes."""

    @app.command(COMMAND)
    async def placet(ack: AsyncAck, body: dict[str, Any]) -> None:
        typed = Typed.model_validate(body)
        slack = desk.slack_of((typed.team_id,), typed.user_id)
        origin = Origin(slack, typed.trigger_id, typed.channel_id)
        answer = await requests.answer(typed.text, origin)
        await ack(text=answer.text, blocks=list(answer.blocks), response_type="ephemeral")

    @app.command(re.compile(".*"))
    async def ignore(ack: AsyncAck) -> None:
        await ack()
        _LOG.info("a command that is none of ours was typed")
