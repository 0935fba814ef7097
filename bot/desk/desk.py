"""What every listener works with: the ledger, Slack, who we are, and how people are answered."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.desk.asides import Asides
from bot.desk.errands import Errands
from bot.desk.voting import Voting
from bot.drawing.feedback import ephemeral
from bot.drawing.modals import Spot
from bot.slack.client import UNREACHABLE, SlackClient, reason_of
from bot.slack.home import HomeFinder
from bot.slack.payloads import View
from bot.slack.pieces import Block
from bot.slack.witness import Witness
from ledger.events.envelopes import Command
from ledger.ledger import Ledger
from ledger.views.barring import Weigh
from policies.configuration.settings import DENIALS
from policies.people.people import Directory
from policies.values.refusals import Refused

QUICK = 2
"""Seconds that a modal may take: a click has to be acknowledged within 3."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Desk:
    """The bot's collaborators, handed to the listeners.

    `denials` are the reasons that can be chosen with a no, `weigh` says how risky a tool is.
    """

    slack: SlackClient
    ledger: Ledger
    directory: Directory
    finder: HomeFinder
    witness: Witness
    voting: Voting
    weigh: Weigh
    errands: Errands = field(default_factory=Errands)
    asides: Asides = field(default_factory=Asides)
    denials: Sequence[str] = DENIALS

    def slack_of(self, teams: Sequence[str], user: str) -> str:
        """Return a person as `T…/U…`; `teams` are the workspaces that Slack named."""
        home = self.finder.home
        if home is None:
            return f"{teams[0] if teams else 'unknown'}/{user}"
        return home.slack_of(teams, user, self.directory)

    def tell(self, spot: Spot, slack: str, text: str) -> None:
        """Tell one person something in the card's channel, after the click is acknowledged.

        Source: https://docs.slack.dev/reference/methods/chat.postEphemeral
        """
        self.whisper(spot.channel, slack, text)

    def whisper(self, channel: str, slack: str, text: str) -> None:
        """Tell one person something in a channel, after what was asked is acknowledged.

        Without a channel it is told on the person's home tab. Source:
        https://docs.slack.dev/reference/methods/chat.postEphemeral
        """
        if channel:
            self.errands.run(self._tell(channel, slack.rpartition("/")[2], text))
        else:
            self.asides.say(slack, text)

    async def open_modal(self, trigger_id: str, view: Block) -> str | None:
        """Open a modal, and return None, or why Slack would not within 2 seconds.

        Source: https://docs.slack.dev/reference/methods/views.open
        """
        try:
            async with asyncio.timeout(QUICK):
                await self.slack.views_open(trigger_id=trigger_id, view=view)
        except UNREACHABLE as error:
            return reason_of(error)
        return None

    async def turn_page(self, open_view: View, page: Block) -> bool:
        """Put a page of the details into the modal that is open; return whether Slack shows it.

        Source: https://docs.slack.dev/reference/methods/views.update
        """
        try:
            async with asyncio.timeout(QUICK):
                await self.slack.views_update(view_id=open_view.id, hash=open_view.hash, view=page)
        except UNREACHABLE as error:
            _LOG.warning("a page of the details could not be shown: %s", reason_of(error))
            return False
        return True

    async def note_read(self, command: Command) -> None:
        """Record that a page was shown to a person; a refusal leaves the page unread."""
        try:
            await self.ledger.execute(command)
        except Refused as refused:
            _LOG.warning("a page was shown but not noted as read: %s", refused)

    async def _tell(self, channel: str, user: str, text: str) -> None:
        summary, blocks = ephemeral(text)
        try:
            await self.slack.chat_postEphemeral(
                channel=channel,
                user=user,
                text=summary,
                blocks=blocks,
                parse="none",
                link_names=False,
            )
        except UNREACHABLE as error:
            _LOG.warning("a person could not be told what became of a click: %s", reason_of(error))
