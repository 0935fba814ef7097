"""Knows which workspace and which app we are, as Slack says."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from slack_sdk.errors import SlackApiError

from bot.slack.client import UNREACHABLE, SlackClient, reason_of
from policies.people.people import Directory

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

    def slack_of(self, teams: Sequence[str], user: str, directory: Directory) -> str:
        """Return a person as `T…/U…`, or as `E…/U…` where the configuration knows them so.

        A workspace among `teams` that is not ours is never left out.
        """
        foreign = [team for team in teams if team not in {self.team, self.enterprise}]
        if foreign:
            return f"{foreign[0]}/{user}"
        by_organization = f"{self.enterprise}/{user}"
        known = directory.person_at(by_organization) in directory.people
        return by_organization if self.enterprise and known else f"{self.team}/{user}"


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
        team, user = _text(said.get("team_id")), _text(said.get("user_id"))
        if team is None or user is None:
            self.trouble = "auth.test failed: Slack's answer could not be read"
            return None
        self._home = Home(
            team=team,
            enterprise=_text(said.get("enterprise_id")),
            bot_user=user,
            app=app,
            url=_text(said.get("url")),
        )
        self.trouble = ""
        return self._home

    async def _app(self, named: object) -> str | None:
        """Return our app id. Source: https://docs.slack.dev/reference/methods/bots.info."""
        bot = _text(named)
        if bot is None:
            return None
        try:
            said = await self._slack.bots_info(bot=bot)
        except SlackApiError as error:
            _LOG.warning("the bot does not know its app id: %s", reason_of(error))
            return None
        about = said.get("bot")
        return _text(about.get("app_id")) if isinstance(about, dict) else None


def _text(told: object) -> str | None:
    return told if isinstance(told, str) and told else None
