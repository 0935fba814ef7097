"""Reads what one person's home tab shows; what may be done there is decided at the press."""

from bot.desk.admission import groups_in
from bot.desk.desk import Desk
from bot.drawing.home_view import HomeFacts
from bot.requests.looking import waiting_for
from ledger.events.evidence import GROUP_FRESH, Evidence, standing, unfit
from ledger.events.parties import Parties
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.lives.delegations import Delegation
from ledger.views.delegation_readings import delegations_in_force
from ledger.views.freeze_readings import freezes_in_force
from ledger.views.glass_readings import open_glasses
from ledger.views.grant_request_readings import open_requests


async def home_facts(desk: Desk, slack: str, news: str) -> HomeFacts:
    """Return what the home tab of a person (`T…/U…`) shows. Raises LedgerUnavailable."""
    directory = desk.directory
    groups = groups_in(directory.teams, directory)
    (evidence,) = await desk.witness.evidence([slack], groups, cached=True, sparing=True)
    if evidence.undetermined:
        problem = f"Slack could not confirm who you are ({evidence.undetermined}). Open it again."
        return HomeFacts(news, problem=problem)
    person = evidence.person_in(directory)
    teams = _teams(desk, evidence)
    delegations = await _delegations(desk, evidence)
    if person not in directory.people and not teams and not delegations:
        problem = "Placet knows you neither as a person of its configuration nor as an approver."
        return HomeFacts(news, problem=problem)
    ledger = desk.ledger
    pending = await ledger.approvals(ApprovalStatus.PENDING)
    agents = await _owned(desk, person)
    return HomeFacts(
        news=news,
        waiting=_oldest_first(await waiting_for(desk, evidence, pending)),
        requests=[
            request
            for request in await open_requests(ledger)
            if teams & set(request.teams) and request.by != person
        ],
        grants=[grant for grant in await ledger.grants(live=True) if grant.by == person],
        agents=agents,
        own=_oldest_first([each for each in pending if each.request.agent in agents]),
        freezes=await freezes_in_force(ledger),
        delegations=delegations,
        glasses=[glass for glass in await open_glasses(ledger) if glass.by != person],
    )


async def _delegations(desk: Desk, evidence: Evidence) -> list[Delegation]:
    """Return the delegations that are to a person, or theirs; none for who could not vote."""
    person = evidence.person_in(desk.directory)
    if unfit(person, evidence, Parties(), evidence.fetched_at) is not None:
        return []
    return [
        each
        for each in await delegations_in_force(desk.ledger)
        if evidence.slack in {each.giver_slack, each.delegate_slack}
    ]


async def _owned(desk: Desk, person: str) -> list[str]:
    """Return the agents that a person owns, by name."""
    known = {agent.name: agent.owner for agent in desk.directory.agents.values()}
    known |= {agent.id: agent.owner for agent in await desk.ledger.agents() if agent.open}
    return sorted(name for name, owner in known.items() if owner == person)


def _teams(desk: Desk, evidence: Evidence) -> frozenset[str]:
    """Return the teams of which a person is an approver, as far as can be told."""
    where = standing(
        evidence.person_in(desk.directory),
        evidence,
        desk.directory,
        teams=tuple(desk.directory.teams),
        parties=Parties(),
        group_age=GROUP_FRESH,
        at=evidence.fetched_at,
    )
    return frozenset(where.teams)


def _oldest_first(approvals: list[Approval]) -> list[Approval]:
    return sorted(approvals, key=lambda approval: (approval.requested_at, approval.id))
