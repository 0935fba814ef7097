"""The bot as the root starts it: listeners, courier, and how Slack reaches us."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Self, TypeAlias

from aiohttp import web
from prometheus_client import CollectorRegistry
from slack_bolt.async_app import AsyncApp

from bot.channels.posting import courier_of
from bot.channels.undelivered import Undelivered
from bot.desk.desk import Desk
from bot.desk.voting import Voting
from bot.drawing.notices import checkpoint_message
from bot.listeners import (
    actions,
    building,
    commands,
    extending,
    freezing,
    glass,
    granting,
    home,
    lasting,
    others,
    reviewing,
    summarising,
    views,
)
from bot.requests.home_tabs import HomeTabs
from bot.requests.requests import Requests
from bot.slack.app import bolt_app
from bot.slack.channel_history import ChannelHistory
from bot.slack.client import SlackClient, SocketClient
from bot.slack.endpoint import Endpoint
from bot.slack.home import HomeFinder
from bot.slack.meters import BotMeters
from bot.slack.outbox import Outbox
from bot.slack.rates import Rates
from bot.slack.sockets import Socket
from bot.slack.witness import Witness
from ledger.ledger import Ledger
from ledger.views.barring import Weigh
from policies.configuration.settings import DENIALS
from policies.people.people import Directory
from policies.risks.risk import RiskFinding, classify
from policies.values.calls import Tool
from policies.values.refusals import Refused

_ALIVE = 60.0
_TROUBLED = 3.0
_DRAIN = 3.0
_LOG = logging.getLogger(__name__)


class EmptySecret(Refused):
    """A secret of Slack's is missing; the bot does not start without it."""


@dataclass(frozen=True)
class OverSocket:
    """Slack reaches us through a WebSocket that we open; `app_token` is `xapp-…`."""

    app_token: str


@dataclass(frozen=True)
class OverHttp:
    """Slack posts to our `/slack/events`, signed with `signing_secret`."""

    signing_secret: str


Reached: TypeAlias = OverSocket | OverHttp
"""How Slack reaches the bot."""


@dataclass(frozen=True)
class SlackAccess:
    """The secrets and the address of one workspace; `api_url` ends with a slash.

    `hurry` is how many times faster than Slack allows we may be: a test has little time.
    What an agent asks after `group_after` cards in a minute shares cards; 0 is never.
    `denials` are the reasons that can be chosen with a no.
    """

    bot_token: str
    reached: Reached
    api_url: str = "https://slack.com/api/"
    hurry: float = 1.0
    group_after: int = 5
    denials: Sequence[str] = DENIALS


def _untrusted(tool: Tool) -> RiskFinding:
    """Weigh a tool of a server that nobody trusts, without a policy."""
    return classify(tool, trusted=False)


class Bot:
    """Slack's side of Placet in this process."""

    def __init__(
        self,
        access: SlackAccess,
        ledger: Ledger,
        directory: Directory,
        *,
        longest: Callable[[], timedelta],
        weigh: Weigh = _untrusted,
        reach: Callable[[str], None] = lambda _point: None,
        now: Callable[[], float] = time.time,
        registry: CollectorRegistry | None = None,
    ) -> None:
        """Wire the bot; nothing runs yet. Raises EmptySecret.

        `longest` returns the policy's cap on grants, `weigh` how risky a tool is by it, `now`
        seconds since 1970. `reach` is called where a test may kill the process.
        """
        _check(access)
        meters = BotMeters(registry or CollectorRegistry())
        meters.show(lambda: self._courier.waiting, lambda: not self._away())
        slack = _client(access, meters, rates := Rates(time.monotonic, access.hurry))
        self._finder = HomeFinder(slack)
        self._desk = _desk(access, slack, ledger, self._finder, directory, weigh, reach)
        self._tabs = HomeTabs(self._desk)
        bolt = bolt_app(slack, self._finder, _signed_with(access.reached))
        app = _listening(bolt, self._desk, self._tabs, longest, weigh)
        self._socket, self.application = _ways_in(access.reached, app, slack, now)
        curt = SlackClient(access.bot_token, access.api_url, patient=False, heard=meters.heard)
        self._outbox = Outbox(curt, rates)
        history = ChannelHistory(curt, rates, self._finder)
        self._courier = courier_of(
            self._outbox, history, self._desk, reach, access.group_after, weigh, meters.retried
        )
        self._undelivered = Undelivered(ledger)
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to post and to listen. Slack may be away; the ledger may not.

        Over HTTP the root serves `application`. Raises LedgerUnavailable.
        """
        await self._undelivered.start()
        self._courier.start()
        self._tabs.start()
        if self._socket is not None:
            self._socket.start()
        self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        """Take nothing more from Slack, finish what was begun, hand the courier's lease over."""
        if self._socket is not None:
            await self._socket.close()
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._tabs.close()
        await self._desk.errands.close(_DRAIN)
        await self._courier.close()
        self._undelivered.close()

    async def announce(self, channel: str, note: str) -> None:
        """Post a checkpoint to a channel. Raises NotTaken."""
        await self._outbox.announce(channel, *checkpoint_message(note))

    def ready(self) -> list[str]:
        """Return what is wrong, in words; empty when people can be asked and can answer."""
        problems = self._away() + self._strange_workspace()
        problems += [f"Slack: cards wait: {trouble}" for trouble in self._courier.troubles()]
        return problems + self._undelivered.problems()

    def _away(self) -> list[str]:
        """Return what is wrong where Slack does not answer, or cannot reach us."""
        problems = [f"Slack: {self._finder.trouble}"] if self._finder.trouble else []
        if self._socket is not None and not self._socket.connected:
            problems.append("Slack: no Socket Mode connection")
        return problems

    def _strange_workspace(self) -> list[str]:
        """Return what is wrong where nobody of the configuration is of the token's workspace."""
        home = self._finder.home
        known = [person.slack for person in self._desk.directory.people.values() if person.slack]
        teams = {slack.partition("/")[0] for slack in known}
        if home is None or not teams or not teams.isdisjoint({home.team, home.enterprise}):
            return []
        named = ", ".join(sorted(teams))
        return [f"Slack: the bot token is of workspace {home.team}, all people are of {named}"]

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _watch(self) -> None:
        """Ask Slack who we are: until it answers, and each minute whether it still does."""
        while True:
            troubled = bool(self._finder.trouble)
            found = await self._finder.ask()
            if found is not None and troubled:
                _LOG.info("the bot lives in workspace %s", found.team)
                self._courier.hurry()
            await asyncio.sleep(_ALIVE if found is not None else _TROUBLED)


def _desk(
    access: SlackAccess,
    slack: SlackClient,
    ledger: Ledger,
    finder: HomeFinder,
    directory: Directory,
    weigh: Weigh,
    reach: Callable[[str], None],
) -> Desk:
    witness = Witness(slack, finder, ledger.now, directory)
    voting = Voting(ledger, witness, directory, reach)
    return Desk(slack, ledger, directory, finder, witness, voting, weigh, denials=access.denials)


def _signed_with(reached: Reached) -> str:
    """Return what requests are signed with; over a socket none are."""
    return reached.signing_secret if isinstance(reached, OverHttp) else "-"


def _ways_in(
    reached: Reached, app: AsyncApp, slack: SlackClient, now: Callable[[], float]
) -> tuple[Socket | None, web.Application | None]:
    """Return how Slack reaches us: by a socket that we open, or by what the root has to serve."""
    match reached:
        case OverSocket(app_token):
            return Socket(app, slack, app_token), None
        case OverHttp(signing_secret):
            return None, Endpoint(app, signing_secret, now).application()


def _client(access: SlackAccess, meters: BotMeters, rates: Rates) -> SlackClient:
    return SocketClient(
        access.bot_token, access.api_url, patient=True, rates=rates, heard=meters.heard
    )


def _listening(
    app: AsyncApp, desk: Desk, tabs: HomeTabs, longest: Callable[[], timedelta], weigh: Weigh
) -> AsyncApp:
    reviewing.register(app, desk, weigh)
    lasting.register(app, desk, longest)
    freezing.register(app, desk)
    glass.register(app, desk)
    extending.register(app, desk)
    granting.register(app, desk, longest)
    home.register(app, desk, tabs)
    building.register(app, desk, longest)
    summarising.register(app, desk)
    actions.register(app, desk)
    views.register(app, desk)
    commands.register(app, desk, Requests(desk, longest))
    others.register(app)
    return app


def _check(access: SlackAccess) -> None:
    """Refuse empty secrets, which Bolt would take from the environment or accept."""
    match access.reached:
        case OverSocket(app_token):
            named = {"slack.bot_token": access.bot_token, "slack.app_token": app_token}
        case OverHttp(signing_secret):
            named = {"slack.bot_token": access.bot_token, "slack.signing_secret": signing_secret}
    empty = [name for name, secret in named.items() if not secret.strip()]
    if empty:
        raise EmptySecret(f"{' and '.join(empty)} must not be empty; set what `placet.yaml` names")
