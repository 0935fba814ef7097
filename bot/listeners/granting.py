"""The buttons about grants: give and refuse what is asked for, renew and revoke."""

from collections.abc import Callable
from datetime import timedelta

from slack_bolt.async_app import AsyncApp

from bot.desk.desk import Desk
from bot.drawing.grant_notices import GIVE, REFUSE, RENEW, REVOKE
from bot.listeners.pressing import on_press
from bot.requests import grant_requests


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
        on_press(app, desk, action, work)
