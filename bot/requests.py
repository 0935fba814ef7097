"""Carries out what a person typed after `/placet`; the ledger decides, this only asks."""

import hashlib
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import assert_never

from bot import freeze_requests
from bot.admission import actor_of, admitted, evidence_of, groups_in
from bot.answers import Answer, granted, helping, listing, plainly, revoked, showing, waiting
from bot.asked import (
    Asked,
    AskFreeze,
    AskFreezes,
    AskGrant,
    AskHelp,
    AskList,
    AskPending,
    AskRevoke,
    AskShow,
    AskUnfreeze,
)
from bot.desk import Desk
from bot.drawing import drawn
from bot.feedback import sentence
from bot.parsing import NotUnderstood, parse
from bot.voting import groups_of
from ledger.approvals import Approval, ApprovalStatus
from ledger.evidence import GROUP_FRESH, Evidence, standing
from ledger.grants import IssueGrant, RevokeGrant
from ledger.standing_events import GrantIssued, GrantRefused
from ledger.tallying import parties
from policies.matching import Glob
from policies.refusals import Refused


class Requests:
    """Answers slash commands. `longest` returns the policy's cap on grants."""

    def __init__(self, desk: Desk, longest: Callable[[], timedelta]) -> None:
        self._desk = desk
        self._longest = longest

    async def answer(self, text: str, slack: str, mark: str) -> Answer:
        """Return the answer to `text`, typed by `slack` (`T…/U…`).

        `mark` is the same when the same command is delivered again.
        """
        try:
            return await self._carry_out(parse(text), slack, f"command:{slack}:{mark}")
        except NotUnderstood as unclear:
            return plainly(sentence(str(unclear)))
        except Refused as refused:
            return plainly(f"Refused: {refused}.")

    async def _carry_out(self, asked: Asked, slack: str, command: str) -> Answer:
        match asked:
            case AskHelp(about=about):
                return helping(about)
            case AskFreeze() | AskUnfreeze() | AskFreezes():
                return await self._freeze(asked, slack, command)
            case AskGrant():
                return await self._grant(asked, slack, command)
            case AskRevoke():
                return await self._revoke(asked, slack, command)
            case AskList():
                await admitted(self._desk, slack)
                return listing(await self._desk.ledger.grants(live=True))
            case AskPending():
                return await self._pending(slack)
            case AskShow():
                return await self._show(asked.approval, slack)
            case _:
                assert_never(asked)

    async def _freeze(
        self, asked: AskFreeze | AskUnfreeze | AskFreezes, slack: str, command: str
    ) -> Answer:
        match asked:
            case AskFreeze():
                return await freeze_requests.freeze(self._desk, asked, slack, command)
            case AskUnfreeze():
                return await freeze_requests.unfreeze(self._desk, asked, slack, command)
            case AskFreezes():
                return await freeze_requests.listed(self._desk, slack)

    async def _grant(self, asked: AskGrant, slack: str, command: str) -> Answer:
        server = Glob(asked.target.partition("/")[0])
        owners = self._desk.directory.server_teams
        teams = {team for name, team in owners.items() if server.matches(name)}
        recorded = await self._desk.ledger.execute(
            IssueGrant(
                id=command,
                actor=actor_of(slack, self._desk.directory),
                grant=f"grt_{hashlib.sha256(command.encode()).hexdigest()[:12]}",
                agent=asked.agent,
                target=asked.target,
                lasting=asked.lasting,
                uses=asked.uses,
                reason=asked.reason,
                longest=self._longest(),
                evidence=await self._evidence(slack, teams),
            )
        )
        for one in recorded:
            if isinstance(one.event, GrantRefused):
                return plainly(f"Refused: {one.event.message}.")
            if isinstance(one.event, GrantIssued):
                return granted(one.event, asked.lasting)
        return plainly("Nothing changed.")

    async def _revoke(self, asked: AskRevoke, slack: str, command: str) -> Answer:
        grant = await self._desk.ledger.grant(asked.grant)
        recorded = await self._desk.ledger.execute(
            RevokeGrant(
                id=command,
                actor=actor_of(slack, self._desk.directory),
                grant=asked.grant,
                reason=asked.reason,
                evidence=await self._evidence(slack, grant.teams if grant else ()),
            )
        )
        refused = [one.event.message for one in recorded if isinstance(one.event, GrantRefused)]
        return plainly(f"Refused: {refused[0]}.") if refused else revoked(asked.grant)

    async def _pending(self, slack: str) -> Answer:
        found = await self._desk.ledger.approvals(ApprovalStatus.PENDING)
        groups = {g for approval in found for g in groups_of(approval, self._desk.directory)}
        evidence = await evidence_of(self._desk, slack, groups)
        if evidence.undetermined:
            raise Refused(f"Slack could not confirm who you are ({evidence.undetermined})")
        at = await self._desk.ledger.now()
        may = [a for a in found if self._decides(a, evidence) and at < a.request.expires_at]
        home = self._desk.finder.home
        return waiting(may, home.url if home else None)

    async def _show(self, name: str, slack: str) -> Answer:
        evidence = await admitted(self._desk, slack)
        approval = await self._desk.ledger.approval(name)
        if approval is None:
            raise Refused(f"there is no approval `{name}`; `/placet pending` lists the open ones")
        at = max(await self._desk.ledger.now(), evidence.fetched_at)
        made = await drawn(approval, self._desk.directory, approval.position)
        return showing(approval, made, at)

    def _decides(self, approval: Approval, evidence: Evidence) -> bool:
        """Tell whether the person's vote is still wanted, by the rule that votes are held to."""
        directory = self._desk.directory
        person = evidence.person_in(directory)
        if any(vote.is_of(person, evidence.slack) for vote in approval.votes):
            return False
        where = standing(
            person,
            evidence,
            directory,
            teams=tuple(term.team for term in approval.request.terms),
            parties=parties(approval, directory),
            group_age=GROUP_FRESH,
            at=evidence.fetched_at,
        )
        return bool(where.teams)

    async def _evidence(self, slack: str, teams: Iterable[str]) -> Evidence:
        return await evidence_of(self._desk, slack, groups_in(teams, self._desk.directory))
