"""Keeps the Socket Mode connection alive, and builds it anew when it has gone deaf."""

import asyncio
import logging
from urllib.parse import urlsplit

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

from bot.slack.client import LOOPBACK, UNREACHABLE, SlackClient, reason_of

LOOK = 0.5
"""Seconds between two looks at the connection."""

PATIENCE = 6.0
"""Seconds without a connection after which the client is thrown away for a new one.

The SDK can stick to a used-up address for ever. Doubles up to a minute while that does not help.
"""

_MOST_PATIENCE = 60.0

_SOON = 0.1
_PING = 5.0
_LOG = logging.getLogger(__name__)
_SDK = logging.getLogger("placet.socket")


class Socket:
    """The bot's connection to Slack in Socket Mode.

    Slack delivers each envelope to one of an app's connections. Sessions that
    live long have been seen to go deaf, so `connected` is watched from outside
    of the SDK. Source: https://docs.slack.dev/apis/events-api/using-socket-mode/
    """

    def __init__(self, app: AsyncApp, slack: SlackClient, app_token: str) -> None:
        """Open connections through `slack`, where Slack answers at all."""
        self._app = app
        self._slack = slack
        self._app_token = app_token
        self._handler: AsyncSocketModeHandler | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self.connected = False

    def start(self) -> None:
        """Begin to connect; returns at once, Slack may be away."""
        self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Take no more envelopes and let the connection go."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._drop()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        alive_at, patience = loop.time(), PATIENCE
        await self._build()
        while True:
            handler, before = self._handler, self.connected
            self.connected = handler is not None and await handler.client.is_connected()
            if handler is not None and before and not self.connected:
                self._reconnect(handler)
            if self.connected:
                alive_at, patience = loop.time(), PATIENCE
            elif loop.time() - alive_at > patience:
                _LOG.warning("no Socket Mode connection for %.0f s; building a new one", patience)
                await self._drop()
                await self._build()
                alive_at, patience = loop.time(), min(patience * 2, _MOST_PATIENCE)
            await asyncio.sleep(LOOK if self.connected else _SOON)

    async def _build(self) -> None:
        _SDK.setLevel(logging.CRITICAL)
        handler = AsyncSocketModeHandler(
            self._app,
            self._app_token,
            logger=_SDK,
            web_client=self._slack,
            ping_interval=_PING,
        )
        if urlsplit(self._slack.base_url).hostname in LOOPBACK:
            handler.client.proxy = None
        self._handler = handler
        self._connecting = asyncio.create_task(_connect(handler))

    def _reconnect(self, handler: AsyncSocketModeHandler) -> None:
        """Open a connection at once; by itself the SDK looks only every few seconds."""
        if self._connecting is None or self._connecting.done():
            self._connecting = asyncio.create_task(_quietly(handler))

    async def _drop(self) -> None:
        handler, self._handler = self._handler, None
        connecting, self._connecting = self._connecting, None
        self.connected = False
        if connecting is not None:
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)
        if handler is not None:
            await handler.close_async()  # type: ignore[no-untyped-call]  # the SDK is untyped there


async def _quietly(handler: AsyncSocketModeHandler) -> None:
    try:
        await handler.client.connect_to_new_endpoint()
    except UNREACHABLE as error:
        _LOG.info("the Socket Mode connection is not back yet: %s", reason_of(error))


async def _connect(handler: AsyncSocketModeHandler) -> None:
    await handler.connect_async()  # type: ignore[no-untyped-call]  # the SDK is untyped there
