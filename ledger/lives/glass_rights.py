"""Who may approve alone in an emergency, and who may look at it afterwards."""

from dataclasses import replace
from datetime import datetime

from ledger.events.evidence import FRESH, Evidence, Standing, standing
from ledger.events.parties import Parties
from ledger.lives.approvals import Approval
from policies.people.people import Directory

_OWN = Standing(
    because="own-break-glass",
    message="you broke the glass yourself: somebody else has to look at it",
)


def may_break(
    approval: Approval, evidence: Evidence, directory: Directory, at: datetime
) -> Standing:
    """Return whether a person may break the glass: for every team that was asked, by name.

    Never the agent's owner, nor the person it acts for.
    """
    teams = _teams(approval)
    where = _standing(approval, evidence, _of_breakers(directory), at)
    lacking = [f"`{team}`" for team in teams if team not in where.teams]
    if where.because not in {"", "not-an-approver"} or not lacking:
        return where
    message = (
        f"you have no right to break the glass of {' and '.join(lacking)}:"
        " `break_glass` of a team in `placet.yaml` names those who have"
    )
    return Standing(because="no-break-glass", message=message)


def still_may_break(approval: Approval, person: str, directory: Directory) -> bool:
    """Tell whether who broke the glass has the right to, by the configuration of now."""
    return all(
        (team := directory.teams.get(name)) is not None and person in team.break_glass
        for name in _teams(approval)
    )


def may_sign_off(
    approval: Approval, by: str, slack: str, evidence: Evidence, directory: Directory, at: datetime
) -> Standing:
    """Return whether a person may sign it off: an approver who is not `by`, who broke it."""
    same = evidence.slack.rpartition("/")[2] == slack.rpartition("/")[2]
    if same or evidence.person_in(directory) == by:
        return _OWN
    where = _standing(approval, evidence, directory, at)
    if where.because != "not-an-approver":
        return where
    other = _standing(approval, evidence, _of_breakers(directory), at)
    return where if other.because else other


def may_sign_off_at_the_shell(approval: Approval, person: str, by: str) -> Standing:
    """Return whether an operator may sign it off: nobody who is known to be `by`, who broke it.

    Nor the agent's owner, nor the person it acts for.
    """
    if person == by:
        return _OWN
    if person in {approval.request.owner, approval.request.on_behalf_of}:
        message = "the agent is yours or acts for you: somebody else has to look at it"
        return Standing(because="own-request", message=message)
    return Standing()


def _of_breakers(directory: Directory) -> Directory:
    """Return the directory with those who may break the glass in the approvers' places."""
    teams = {
        name: replace(team, approvers=team.break_glass, groups=())
        for name, team in directory.teams.items()
    }
    return replace(directory, teams=teams)


def _teams(approval: Approval) -> tuple[str, ...]:
    return tuple(term.team for term in approval.request.terms)


def _standing(
    approval: Approval, evidence: Evidence, directory: Directory, at: datetime
) -> Standing:
    request = approval.request
    return standing(
        evidence.person_in(directory),
        evidence,
        directory,
        teams=_teams(approval),
        parties=Parties.of(request.owner, request.on_behalf_of, directory),
        group_age=FRESH,
        at=at,
    )
