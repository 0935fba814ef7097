"""Reads what waits for a person, and how things stand, for those who may look."""

from collections.abc import Sequence

from bot.desk.admission import admitted, evidence_of
from bot.desk.desk import Desk
from bot.desk.voting import groups_of
from bot.drawing.answers import Answer, showing, waiting
from bot.drawing.drawing import drawn
from ledger.events.evidence import GROUP_FRESH, Evidence, standing
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.lives.deciders import Seat, parties, seat_of, taken
from ledger.lives.delegations import Delegation
from ledger.lives.freeze_rights import same_user
from ledger.views.delegation_readings import delegations_in_force
from policies.people.people import Directory
from policies.values.refusals import Refused


async def pending(desk: Desk, slack: str) -> Answer:
    """Return the approvals that wait for a person. Raises Refused."""
    found = await desk.ledger.approvals(ApprovalStatus.PENDING)
    groups = {group for approval in found for group in groups_of(approval, desk.directory)}
    evidence = await evidence_of(desk, slack, groups)
    if evidence.undetermined:
        raise Refused(f"Slack could not confirm who you are ({evidence.undetermined})")
    home = desk.finder.home
    return waiting(await waiting_for(desk, evidence, found), home.url if home else None)


async def waiting_for(desk: Desk, evidence: Evidence, found: Sequence[Approval]) -> list[Approval]:
    """Return which of the pending approvals a person may decide and has not."""
    at = await desk.ledger.now()
    held = await delegations_in_force(desk.ledger)
    givers = await _givers(desk, evidence, held, found)
    return [
        approval
        for approval in found
        if at < approval.expires_at and _decides(approval, evidence, givers, held, desk.directory)
    ]


async def show(desk: Desk, name: str, slack: str) -> Answer:
    """Return one approval as its card stands. Raises Refused."""
    evidence = await admitted(desk, slack)
    approval = await desk.ledger.approval(name)
    if approval is None:
        raise Refused(f"there is no approval `{name}`; `/placet pending` lists the open ones")
    at = max(await desk.ledger.now(), evidence.fetched_at)
    made = await drawn(approval, desk.directory, approval.position)
    return showing(approval, made, at)


async def _givers(
    desk: Desk, evidence: Evidence, held: Sequence[Delegation], found: Sequence[Approval]
) -> list[Evidence]:
    """Return the evidence of those in whose stead a person may vote."""
    mine = [d.giver_slack for d in held if same_user(d.delegate_slack, evidence.slack)]
    if not mine or not found:
        return []
    groups = {group for approval in found for group in groups_of(approval, desk.directory)}
    return await desk.witness.evidence(mine, groups, cached=False)


def _decides(
    approval: Approval,
    evidence: Evidence,
    givers: Sequence[Evidence],
    held: Sequence[Delegation],
    directory: Directory,
) -> bool:
    """Tell whether the person's vote is still wanted, by the rule that votes are held to."""
    person, at = evidence.person_in(directory), evidence.fetched_at
    if any(vote.is_of(person, evidence.slack) for vote in approval.votes):
        return False
    where = standing(
        person,
        evidence,
        directory,
        teams=tuple(term.team for term in approval.request.terms),
        parties=parties(approval, directory),
        group_age=GROUP_FRESH,
        at=at,
        also=approval.patience.escalated,
    )
    seat = Seat(where)
    if not where.teams:
        seat = seat_of(approval, evidence, givers, held, directory, at)
    free = taken(approval, seat, evidence, held, directory, at) is None
    return bool(seat.standing.teams) and free
