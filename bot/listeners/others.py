"""What Slack may send that Placet has no use for: acknowledged, so that nobody sees an error."""

import re

from slack_bolt.async_app import AsyncAck, AsyncApp


def register(app: AsyncApp) -> None:
    """Acknowledge events, shortcuts and options."""

    @app.event(re.compile(".*"))
    async def event(ack: AsyncAck) -> None:
        await ack()

    @app.shortcut(re.compile(".*"))
    async def shortcut(ack: AsyncAck) -> None:
        await ack()

    @app.options(re.compile(".*"))
    async def options(ack: AsyncAck) -> None:
        await ack(options=[])
