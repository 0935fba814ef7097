"""Says whether an approval that was given meets the terms of now."""

from collections.abc import Sequence

from ledger.events.parties import Parties
from ledger.lives.approvals import Approval
from ledger.lives.calls import CallFacts
from ledger.lives.delegations import Delegation
from ledger.lives.glass_rights import still_may_break
from ledger.lives.known_votes import KnownVote
from policies.deciding.exceeding import kind_named
from policies.people.people import Directory
from policies.rules.decisions import Decision, Effect


def unmet(
    approval: Approval,
    decision: Decision,
    facts: CallFacts,
    directory: Directory,
    delegations: Sequence[Delegation] = (),
) -> str | None:
    """Say why a given approval does not meet the terms of now; None where it does.

    The votes count as long as those who cast them, and those in whose stead
    they did, may approve. `delegations` are those of its votes, ended or not:
    what was taken back does not count any more.
    """
    if decision.effect is Effect.DENY:
        return f"denied by {denier(decision)}"
    if approval.request.definition_hash != facts.definition_hash:
        return "the tool's definition changed"
    if approval.request.digest not in facts.digests:
        return "the call is not the one that was approved"
    if approval.broke_glass is not None:
        return _broken_still(approval, facts, directory)
    parties = Parties.of(facts.agent.owner, facts.agent.on_behalf_of, directory)
    for term in decision.assessment.terms:
        names = approval.patience.deciding(term.team)
        counted = {
            known.holder_in(directory)
            for known in approval.yes_votes(term.team)
            if _speaks(known, names, delegations, directory)
            and not parties.may_include(known.person_in(directory), known.slack, directory)
            and not parties.may_include(known.holder_in(directory), known.holder[1], directory)
        }
        if len(counted) < term.approvals:
            asked, given = term.approvals, len(counted)
            return f"team `{term.team}` now has to give {asked} approvals, of which {given} count"
    reasons = [known.reason for known in approval.votes if known.approves and known.reason]
    if decision.assessment.reason_required and not reasons:
        return "the policy asks for a reason now"
    return None


def _broken_still(approval: Approval, facts: CallFacts, directory: Directory) -> str | None:
    """Say why an approval that one person gave alone does not hold any more."""
    (by,) = approval.by
    known = directory.people.get(by)
    parties = Parties.of(facts.agent.owner, facts.agent.on_behalf_of, directory)
    slack = known.slack if known is not None and known.slack else by
    if still_may_break(approval, by, directory) and not parties.may_include(by, slack, directory):
        return None
    return f"`{by}`, who broke the glass, has no right to any more"


def _speaks(
    vote: KnownVote, names: Sequence[str], delegations: Sequence[Delegation], directory: Directory
) -> bool:
    """Tell whether whose vote it is is on a team's list now, or was found in a group that is."""
    evidence = vote.evidence
    if vote.delegation is not None:
        under = next((each for each in delegations if each.id == vote.delegation), None)
        if under is None or under.revoked:
            return False
        names, evidence = [name for name in names if name in under.teams], vote.giver_evidence
    person = vote.holder_in(directory)
    teams = [directory.teams[name] for name in names if name in directory.teams]
    groups = evidence.groups if evidence else frozenset()
    return any(person in team.approvers or not groups.isdisjoint(team.groups) for team in teams)


def denier(decision: Decision) -> str:
    """Return which rules deny a call, in words."""
    spoke = [each for each in decision.assessment.spoke if each.effect is Effect.DENY]
    return " and ".join(kind_named(each.pointer, each.rule) for each in spoke)
