"""Carries out what a person typed after `/placet`; the ledger decides, this only asks."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias, assert_never

from bot.desk.admission import admitted, let_in
from bot.desk.desk import Desk
from bot.desk.refusals import noted
from bot.drawing.answers import Answer, helping, listing, plainly
from bot.drawing.builder import build_modal
from bot.drawing.feedback import sentence
from bot.requests import (
    delegation_requests,
    freeze_requests,
    glass_requests,
    grant_requests,
    looking,
)
from bot.requests.patience_requests import about_waiting
from bot.typed.asked import (
    AskAfterReviews,
    AskBreakGlass,
    AskBuilder,
    AskDelegate,
    AskDelegations,
    Asked,
    AskExtend,
    AskFreeze,
    AskFreezes,
    AskGrant,
    AskHelp,
    AskList,
    AskPending,
    AskRenew,
    AskRequest,
    AskRevoke,
    AskShow,
    AskSignOff,
    AskUndelegate,
    AskUnfreeze,
    AskWithdraw,
)
from bot.typed.command_forms import FORMS
from bot.typed.grammar import NotUnderstood
from bot.typed.parsing import parse
from policies.values.refusals import Refused

_Read: TypeAlias = (
    AskHelp | AskList | AskPending | AskShow | AskFreezes | AskDelegations | AskAfterReviews
)
"""What changes nothing."""

_Change: TypeAlias = (
    AskGrant
    | AskRequest
    | AskRenew
    | AskRevoke
    | AskFreeze
    | AskUnfreeze
    | AskDelegate
    | AskUndelegate
    | AskBreakGlass
    | AskSignOff
    | AskBuilder
    | AskExtend
    | AskWithdraw
)
"""What the ledger has to decide on."""


@dataclass(frozen=True)
class Origin:
    """Who typed a command: `slack` is `T…/U…`; and in which channel.

    `trigger` opens a dialog within 3 seconds, and is the same when the same
    command is delivered again.
    """

    slack: str
    trigger: str
    channel: str

    @property
    def command(self) -> str:
        """The id that a command of the ledger gets for this one."""
        return f"command:{self.slack}:{self.trigger}"


class Requests:
    """Answers slash commands. `longest` returns the policy's cap on grants."""

    def __init__(self, desk: Desk, longest: Callable[[], timedelta]) -> None:
        self._desk = desk
        self._longest = longest

    async def answer(self, text: str, origin: Origin) -> Answer:
        """Return the answer to `text`, for the eyes of who typed it."""
        try:
            return await self._answered(parse(text), origin)
        except NotUnderstood as unclear:
            return plainly(sentence(str(unclear)))
        except Refused as refused:
            verb = text.split(maxsplit=1)[0].lower() if text.split() else ""
            asked = f"/placet {verb}" if verb in FORMS else "/placet"
            told = await noted(self._desk, refused, asked, origin.slack, origin.command)
            return plainly(f"Refused: {told}.")

    async def _answered(self, asked: Asked, origin: Origin) -> Answer:
        match asked:
            case (
                AskHelp()
                | AskList()
                | AskPending()
                | AskShow()
                | AskFreezes()
                | AskDelegations()
                | AskAfterReviews()
            ):
                return await self._read(asked, origin.slack)
            case _:
                return await self._changed(asked, origin)

    async def _read(self, asked: _Read, slack: str) -> Answer:
        match asked:
            case AskHelp(about=about):
                return helping(about)
            case AskList():
                await admitted(self._desk, slack)
                return listing(await self._desk.ledger.grants(live=True))
            case AskPending():
                return await looking.pending(self._desk, slack)
            case AskShow():
                return await looking.show(self._desk, asked.approval, slack)
            case AskFreezes():
                return await freeze_requests.listed(self._desk, slack)
            case AskDelegations():
                return await delegation_requests.listed(self._desk, slack)
            case AskAfterReviews():
                return await glass_requests.listed(self._desk, slack)
            case _:
                assert_never(asked)

    async def _changed(self, asked: _Change, origin: Origin) -> Answer:
        desk, slack, command = self._desk, origin.slack, origin.command
        match asked:
            case AskGrant() | AskRequest() | AskRenew() | AskRevoke():
                return await self._about_grants(asked, slack, command)
            case AskFreeze():
                return await freeze_requests.freeze(desk, asked, slack, command)
            case AskUnfreeze():
                return await freeze_requests.unfreeze(desk, asked, slack, command)
            case AskDelegate() | AskUndelegate():
                return await delegation_requests.about_votes(desk, asked, slack, command)
            case AskExtend() | AskWithdraw():
                return await about_waiting(desk, asked, slack, command)
            case AskBuilder():
                return await self._build(origin)
            case AskBreakGlass(approval=approval, reason=reason):
                return await glass_requests.open_break(
                    desk, approval, reason, slack, channel=origin.channel, trigger=origin.trigger
                )
            case AskSignOff(approval=approval, note=note):
                wrong = await glass_requests.sign_off(desk, approval, note, slack, command)
                return plainly(f"Refused: {wrong}." if wrong else f"Signed off {approval}.")
            case _:
                assert_never(asked)

    async def _build(self, origin: Origin) -> Answer:
        """Open the dialog in which a grant is put together. Raises Refused."""
        await let_in(self._desk, origin.slack)
        directory = self._desk.directory
        known = {agent.id for agent in await self._desk.ledger.agents() if agent.open}
        agents, servers = sorted(known | set(directory.agents)), sorted(directory.server_teams)
        view = build_modal(agents, servers, self._longest(), origin.channel)
        trouble = await self._desk.open_modal(origin.trigger, view)
        if trouble:
            raise Refused(f"the dialog could not be opened ({trouble}); type `/placet help`")
        return plainly("Put it together in the dialog; /placet help names all that can be typed.")

    async def _about_grants(
        self, asked: AskGrant | AskRequest | AskRenew | AskRevoke, slack: str, command: str
    ) -> Answer:
        desk, longest = self._desk, self._longest()
        match asked:
            case AskGrant():
                return await grant_requests.grant(desk, asked, slack, command, longest)
            case AskRequest(wanted=wanted):
                return await grant_requests.ask(desk, wanted, slack, command, longest)
            case AskRenew(grant=grant):
                return plainly(await grant_requests.renew(desk, grant, slack, command, longest))
            case AskRevoke():
                return await grant_requests.revoke(desk, asked, slack, command)
