"""The buttons about grants: give and refuse what is asked for, renew and revoke."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot import grant_requests
from bot.desk import Desk
from bot.feedback import sentence
from bot.grant_notices import GIVE, REFUSE, RENEW, REVOKE
from bot.payloads import Click
from policies.refusals import Refused

_Work = Callable[[str, str, str], Awaitable[str]]
"""Does something about the thing with an id for a person, as the command with another id."""


def register(app: AsyncApp, desk: Desk, longest: Callable[[], timedelta]) -> None:
    """Listen to the buttons; `longest` returns the policy's cap on grants."""

    async def give(request: str, slack: str, command: str) -> str:
        return await grant_requests.reply(desk, request, slack, command, longest=longest())

    async def refuse(request: str, slack: str, command: str) -> str:
        return await grant_requests.reply(desk, request, slack, command, longest=None)

    async def renew(grant: str, slack: str, command: str) -> str:
        return await grant_requests.renew(desk, grant, slack, command, longest())

    async def revoke(grant: str, slack: str, command: str) -> str:
        refused = await grant_requests.end(desk, grant, None, slack, command)
        return f"Refused: {refused}." if refused else f"Revoked {grant}."

    for action, work in ((GIVE, give), (REFUSE, refuse), (RENEW, renew), (REVOKE, revoke)):
        app.action(action)(_listener(desk, action, work))


def _listener(desk: Desk, action: str, work: _Work) -> Callable[..., Awaitable[None]]:
    async def press(ack: AsyncAck, body: dict[str, Any]) -> None:
        click = Click.model_validate(body)
        slack = desk.slack_of(click.teams, click.user.id)
        mark = click.action.action_ts or click.trigger_id
        named = click.action.value
        try:
            told = await work(named, slack, f"{action}:{slack}:{named}:{mark}")
        except Refused as refused:
            told = f"Nothing changed. {sentence(str(refused))}"
        await ack()
        desk.whisper(click.container.channel_id, slack, told)

    return press
