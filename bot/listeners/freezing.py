"""The buttons about freezes."""

from slack_bolt.async_app import AsyncApp

from bot.desk.desk import Desk
from bot.drawing.freeze_notices import UNFREEZE
from bot.listeners.pressing import on_press
from bot.requests.freeze_requests import lift


def register(app: AsyncApp, desk: Desk) -> None:
    """Listen to `Unfreeze`."""

    async def unfreeze(freeze: str, slack: str, command: str) -> str:
        return await lift(desk, freeze, None, slack, command)

    on_press(app, desk, UNFREEZE, unfreeze)
