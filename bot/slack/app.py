"""The Bolt app: made of explicit secrets only, and closed to other apps' requests."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import ValidationError
from slack_bolt.async_app import AsyncApp, AsyncBoltContext
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.slack.client import SlackClient
from bot.slack.home import HomeFinder

_LOG = logging.getLogger(__name__)

_QUIET = logging.getLogger("placet.bolt")
"""Bolt's own words: its notes on a bad signature hold the whole body, so only warnings pass."""


def bolt_app(slack: SlackClient, finder: HomeFinder, signing_secret: str) -> AsyncApp:
    """Return a Bolt app without listeners.

    Nothing comes from the environment: our own authorization stands in the
    place where Bolt would read `SLACK_CLIENT_ID` and keep tokens in files.
    `signing_secret` is only used for requests over HTTP.
    """
    _QUIET.setLevel(logging.ERROR)

    async def authorize(context: AsyncBoltContext) -> AuthorizeResult:
        home = finder.home
        return AuthorizeResult(
            enterprise_id=context.enterprise_id,
            team_id=context.team_id,
            bot_user_id=home.bot_user if home else None,
            bot_token=slack.token,
        )

    app = AsyncApp(
        name="placet",
        logger=_QUIET,
        token=None,
        signing_secret=signing_secret,
        client=SlackClient(None, slack.base_url, patient=False),
        authorize=authorize,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
        ignoring_self_events_enabled=False,
    )
    app.use(_ours_only(finder))
    app.error(_failed)
    return app


def _ours_only(finder: HomeFinder) -> Callable[..., Awaitable[BoltResponse | None]]:
    async def ours_only(
        req: AsyncBoltRequest,
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002 (Bolt's name)
    ) -> BoltResponse | None:
        """Refuse what another app was sent; whose person acted is the ledger's to judge."""
        home = finder.home
        if home is not None and home.app is not None:
            meant: Any = req.body.get("api_app_id")
            if meant != home.app:
                _LOG.warning("a request for another Slack app was refused")
                return BoltResponse(status=403, body="this request is for another Slack app")
        return await next()

    return ours_only


async def _failed(error: Exception) -> BoltResponse | None:
    """Fail closed at the edge: what went wrong is logged, nothing was decided by it."""
    if isinstance(error, ValidationError):
        _LOG.warning("Slack sent what cannot be read: %d problems", error.error_count())
        return BoltResponse(status=400, body="the payload cannot be read")
    if isinstance(error, BoltUnhandledRequestError):
        return BoltResponse(status=404, body="not handled")
    _LOG.error("a request of Slack failed", exc_info=error)
    return BoltResponse(status=500, body="")
