"""Finds out who asks: evidence from Slack, and whether a person may look at all."""

from collections.abc import Iterable

from bot.desk.desk import Desk
from bot.desk.refusals import noted
from ledger.events.evidence import Evidence
from ledger.lives.freeze_rights import same_user
from ledger.views.delegation_readings import delegations_in_force
from policies.people.people import Directory
from policies.values.refusals import Refused


def groups_in(teams: Iterable[str], directory: Directory) -> frozenset[str]:
    """Return the user groups of whose members approvers of these teams may be."""
    named = [directory.teams.get(team) for team in teams]
    return frozenset(group for team in named if team for group in team.groups)


async def evidence_of(desk: Desk, slack: str, groups: Iterable[str]) -> Evidence:
    """Return what Slack says now of a person, with membership of `groups`."""
    (evidence,) = await desk.witness.evidence([slack], groups, cached=False)
    return evidence


async def evidence_for_any(desk: Desk, slack: str) -> Evidence:
    """Return what Slack says now of a person, with membership of every team's groups."""
    return await evidence_of(desk, slack, groups_in(desk.directory.teams, desk.directory))


async def admitted(desk: Desk, slack: str) -> Evidence:
    """Return the evidence of a person who may read: one of the configuration, or an approver.

    Who votes in an approver's stead reads as they do. Raises Refused for everybody else.
    """
    directory = desk.directory
    stands_in = any(
        same_user(slack, each.delegate_slack) for each in await delegations_in_force(desk.ledger)
    )
    known = stands_in or directory.person_at(slack) in directory.people
    groups = frozenset() if known else groups_in(directory.teams, directory)
    evidence = await evidence_of(desk, slack, groups)
    unfit = evidence.deleted or evidence.bot or evidence.guest or evidence.stranger
    matched = evidence.person_in(directory) in directory.people
    member = matched or stands_in or any(membership.member for membership in evidence.memberships)
    if evidence.undetermined or (evidence.groups_undetermined and not member):
        why = evidence.undetermined or evidence.groups_undetermined
        raise Refused(f"Slack could not confirm who you are ({why}); try again in a moment")
    if unfit or not member:
        raise Refused("only people of Placet's configuration and approvers may look; ask one")
    return evidence


async def let_in(desk: Desk, slack: str) -> None:
    """Raise Refused where a person may not look at what a dialog shows.

    Who is named by the configuration looks at once: a dialog has to open within 3 seconds.
    """
    if desk.directory.person_at(slack) not in desk.directory.people:
        await admitted(desk, slack)


async def kept_out(desk: Desk, slack: str, asked: str, command: str) -> str | None:
    """Return why a person may not look at what a button shows, recorded; None where they may."""
    try:
        await let_in(desk, slack)
    except Refused as refused:
        return await noted(desk, refused, asked, slack, command)
    return None
