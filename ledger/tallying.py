"""Counts the yes votes: each of them again by what Slack says of its voter now."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger.approvals import Approval
from ledger.evidence import FRESH, GROUP_FRESH, Evidence, Standing, standing
from ledger.known_votes import KnownVote
from ledger.parties import Parties
from policies.calls import Risk
from policies.people import Directory

_UNSURE = frozenset({"stale-evidence", "undetermined"})


@dataclass(frozen=True)
class Tally:
    """What a yes and the earlier ones come to.

    `by` are the people whose votes count, `confirmed` the evidence that the
    earlier ones still do; `unsure` are those who could complete the count.
    """

    complete: bool
    by: tuple[str, ...]
    confirmed: tuple[Evidence, ...]
    unsure: tuple[str, ...]


def tally(
    approval: Approval,
    teams: tuple[str, ...],
    voter: Evidence,
    voters: Sequence[Evidence],
    directory: Directory,
    at: datetime,
) -> Tally:
    """Count the yes of `voter` for `teams` with the earlier ones that fresh evidence bears out.

    `voters` is evidence of those who voted before.
    """
    person = voter.person_in(directory)
    counts = Counter(teams)
    hoped: Counter[str] = Counter()
    people, confirmed, unsure = [person], [], []
    for known in approval.votes:
        evidence = _newest(known, voters)
        if evidence is None or known.is_of(person, voter.slack):
            continue
        still = standing_on(approval, evidence, directory, at)
        if still.because in _UNSURE:
            hoped.update(known.teams)
            unsure.append(known.person)
        elif counted := set(still.teams) & set(known.teams):
            counts.update(counted)
            people.append(known.person)
            confirmed.append(evidence)
    terms = approval.request.terms
    complete = all(counts[term.team] >= term.approvals for term in terms)
    could = all(counts[term.team] + hoped[term.team] >= term.approvals for term in terms)
    by = (*people[1:], person)
    return Tally(complete, by, tuple(confirmed), tuple(unsure) if could and not complete else ())


def parties(approval: Approval, directory: Directory) -> Parties:
    """Return the people who may never decide: the owner and the one acted for."""
    return Parties.of(approval.request.owner, approval.request.on_behalf_of, directory)


def standing_on(
    approval: Approval,
    evidence: Evidence,
    directory: Directory,
    at: datetime,
    *,
    lasting: bool = False,
) -> Standing:
    """Return for which of the approval's teams a person may decide at `at`, or why for none.

    A yes that is `lasting` needs memberships that were read just now, whatever the risk.
    """
    mild = approval.request.risk in {Risk.READ, Risk.WRITE} and not lasting
    return standing(
        evidence.person_in(directory),
        evidence,
        directory,
        teams=tuple(term.team for term in approval.request.terms),
        parties=parties(approval, directory),
        group_age=GROUP_FRESH if mild else FRESH,
        at=at,
        also=approval.patience.escalated,
    )


def _newest(known: KnownVote, voters: Sequence[Evidence]) -> Evidence | None:
    """Return the latest evidence of an earlier voter: handed in now, or that of the vote."""
    found = [evidence for evidence in voters if evidence.slack == known.slack]
    found += [known.evidence] if known.evidence else []
    return max(found, key=lambda evidence: evidence.fetched_at, default=None)
