"""Turns a click into a vote: evidence first, then the ledger decides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bot.drawing.drawing import drawn
from bot.drawing.feedback import refusal_of, verdict
from bot.drawing.frozen_cards import frozen_line
from bot.drawing.modals import Spot
from bot.drawing.summary_cards import shows_whole
from bot.slack.witness import Witness
from ledger.events.card_events import VoteRefused
from ledger.events.envelopes import Recorded
from ledger.ledger import Ledger
from ledger.lives.approvals import Approval
from ledger.lives.lasting import Lasting
from ledger.lives.votes import CastVote
from ledger.views.delegation_readings import delegations_in_force
from policies.people.people import Directory
from policies.values.calls import Risk
from policies.values.refusals import Refused

_ATTEMPTS = 3
_MILD = frozenset({Risk.READ, Risk.WRITE})


@dataclass(frozen=True)
class Ballot:
    """A vote as it came from Slack: `id` is the same when the same click is delivered again.

    `suggested` are arguments, canonical JSON, that a no comes with, `lasting`
    the grant that is to come with a yes. Where the card asks several questions,
    `members` are all of them.
    """

    id: str
    slack: str
    spot: Spot
    approves: bool
    reason: str | None = None
    suggested: str | None = None
    lasting: Lasting | None = None
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What a vote came to: the text for the person, and the refusal in it, if it was one."""

    text: str
    refusal: str | None = None


class Voting:
    """Casts votes. Holds no rule of its own: the ledger says what a vote comes to."""

    def __init__(
        self,
        ledger: Ledger,
        witness: Witness,
        directory: Directory,
        reach: Callable[[str], None],
    ) -> None:
        self._ledger = ledger
        self._witness = witness
        self._directory = directory
        self._reach = reach

    async def cast(self, ballot: Ballot) -> Verdict:
        """Cast a vote; durable when it returns. What was refused is said, never raised."""
        self._reach("vote-received")
        try:
            recorded = await self._settled(ballot)
        except Refused as refused:
            return Verdict(f"Not counted: {refused}.", str(refused))
        self._reach("vote-recorded")
        after, frozen = await self._after(ballot.spot.approval)
        return Verdict(verdict(recorded, after, frozen), refusal_of(recorded))

    async def _after(self, name: str) -> tuple[Approval | None, str]:
        """Return an approval as it stands after a vote, and what is frozen about it.

        Where the ledger went away meanwhile, neither is known: the vote is recorded all the same.
        """
        try:
            approval = await self._ledger.approval(name)
            frozen = await frozen_line(self._ledger, approval) if approval is not None else ""
        except Refused:
            return None, ""
        return approval, frozen

    async def _settled(self, ballot: Ballot) -> Sequence[Recorded]:
        """Cast the vote; again where others voted between our evidence and the ledger's look."""
        for attempt in range(_ATTEMPTS):
            approval = await self._known(ballot.spot.approval)
            command = await self._command(ballot, approval)
            if attempt:
                command = replace(command, id=f"{ballot.id}:{attempt + 1}")
            recorded = await self._ledger.execute(command)
            if not await self._overtaken(command, recorded):
                break
        return recorded

    async def _overtaken(self, command: CastVote, recorded: Sequence[Recorded]) -> bool:
        """Tell whether the ledger wanted evidence of people who had not voted when we looked."""
        refused = [one.event for one in recorded if isinstance(one.event, VoteRefused)]
        if not refused or refused[0].because != "undetermined" or command.evidence.undetermined:
            return False
        after = await self._known(command.approval)
        known = {evidence.slack for evidence in command.voters}
        return any(vote.approves and vote.slack not in known for vote in after.votes)

    async def _known(self, name: str) -> Approval:
        approval = await self._ledger.approval(name)
        if approval is None:
            raise Refused("there is no such approval; `/placet pending` lists the open ones")
        return approval

    async def _command(self, ballot: Ballot, approval: Approval) -> CastVote:
        earlier = (
            [vote.slack for vote in approval.votes if vote.approves] if ballot.approves else []
        )
        givers = await self._givers(ballot, approval)
        voter, *others = await self._witness.evidence(
            [ballot.slack, *earlier, *givers],
            groups_of(approval, self._directory),
            cached=approval.request.risk in _MILD and ballot.lasting is None,
        )
        spot = ballot.spot
        if ballot.members:
            whole = shows_whole(approval)
        else:
            whole = (await drawn(approval, self._directory, spot.revision)).whole
        return CastVote(
            id=ballot.id,
            actor=f"person:{voter.person_in(self._directory)}",
            approval=approval.id,
            approves=ballot.approves,
            reason=ballot.reason,
            suggested=ballot.suggested,
            lasting=ballot.lasting,
            channel=spot.channel,
            ts=spot.ts,
            revision=spot.revision,
            whole=whole,
            members=ballot.members,
            evidence=voter,
            voters=tuple(others[: len(earlier)]),
            givers=tuple(others[len(earlier) :]),
        )

    async def _givers(self, ballot: Ballot, approval: Approval) -> list[str]:
        """Return the accounts of those in whose stead the voter may vote, or somebody has."""
        user = ballot.slack.rpartition("/")[2]
        mine = [
            each.giver_slack
            for each in await delegations_in_force(self._ledger)
            if each.delegate_slack.rpartition("/")[2] == user
        ]
        voted = [vote.holder[1] for vote in approval.votes if vote.delegation is not None]
        return list(dict.fromkeys([*mine, *voted]))


def groups_of(approval: Approval, directory: Directory) -> frozenset[str]:
    """Return the user groups whose members may decide on the approval."""
    asked = {name for t in approval.request.terms for name in approval.patience.deciding(t.team)}
    named = [directory.teams.get(team) for team in asked]
    return frozenset(group for team in named if team for group in team.groups)
