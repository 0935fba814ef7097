"""Knows which workspace and which app we are, as Slack says."""

import logging
from dataclasses import dataclass

from slack_sdk.errors import SlackApiError

from bot.client import UNREACHABLE, SlackClient, reason_of

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Home:
    """The workspace the bot lives in; `app` is None where Slack would not say.

    `url` is the workspace's address in a browser, with a slash at its end.
    """

    team: str
    enterprise: str | None
    bot_user: str
    app: str | None
    url: str | None


class HomeFinder:
    """Asks Slack who we are, until it has answered; `trouble` says why it has not yet."""

    def __init__(self, slack: SlackClient) -> None:
        """Start without an answer."""
        self._slack = slack
        self._home: Home | None = None
        self.trouble = "Slack was not asked yet who the bot is"

    @property
    def home(self) -> Home | None:
        """Return the answer, None while there is none."""
        return self._home

    async def find(self) -> Home | None:
        """Return the answer, asking if there is none yet. Says in `trouble` why there is none."""
        return self._home or await self.ask()

    async def ask(self) -> Home | None:
        """Ask again: `auth.test` tells whether the token still works.

        Source: https://docs.slack.dev/reference/methods/auth.test
        """
        try:
            said = await self._slack.auth_test()
            app = self._home.app if self._home else await self._app(said.get("bot_id"))
        except UNREACHABLE as error:
            self.trouble = f"auth.test failed: {reason_of(error)}"
            return None
        self._home = Home(
            team=said["team_id"],
            enterprise=said.get("enterprise_id"),
            bot_user=said["user_id"],
            app=app,
            url=said.get("url"),
        )
        self.trouble = ""
        return self._home

    async def _app(self, bot: str | None) -> str | None:
        """Return our app id. Source: https://docs.slack.dev/reference/methods/bots.info."""
        if not bot:
            return None
        try:
            said = await self._slack.bots_info(bot=bot)
        except SlackApiError as error:
            _LOG.warning("the bot does not know its app id: %s", reason_of(error))
            return None
        found = (said.get("bot") or {}).get("app_id")
        return found if isinstance(found, str) else None
