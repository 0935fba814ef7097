"""Counts the yes votes: each of them again by what Slack says of its voter now."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger.events.evidence import Evidence, Standing
from ledger.lives.approvals import Approval
from ledger.lives.deciders import Seat, in_stead, standing_on
from ledger.lives.delegations import Delegation
from ledger.lives.known_votes import KnownVote, one_per_seat
from policies.people.people import Directory

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
    seat: Seat,
    voter: Evidence,
    voters: Sequence[Evidence],
    delegations: Sequence[Delegation],
    directory: Directory,
    at: datetime,
) -> Tally:
    """Count the yes of `voter` on `seat` with the earlier ones that fresh evidence bears out.

    `voters` is evidence of those who voted before, and of those in whose stead
    they did. INVARIANT: of every seat one yes counts.
    """
    person = voter.person_in(directory)
    holder = seat.holder(voter, directory)
    counts = Counter(seat.standing.teams)
    hoped: Counter[str] = Counter()
    people, confirmed, unsure = [person], [], []
    for known in one_per_seat(approval.votes):
        evidence = _newest(known.slack, known.evidence, voters)
        if evidence is None or known.is_of(person, voter.slack) or known.fills(*holder):
            continue
        giver = _giver(known, voters)
        still = _still(approval, known, evidence, giver, delegations, directory, at)
        if still.because in _UNSURE:
            hoped.update(known.teams)
            unsure.append(known.person)
        elif counted := set(still.teams) & set(known.teams):
            counts.update(counted)
            people.append(known.person)
            confirmed += [evidence, giver] if giver is not None else [evidence]
    terms = approval.request.terms
    complete = all(counts[term.team] >= term.approvals for term in terms)
    could = all(counts[term.team] + hoped[term.team] >= term.approvals for term in terms)
    by = (*people[1:], person)
    return Tally(complete, by, tuple(confirmed), tuple(unsure) if could and not complete else ())


def _still(
    approval: Approval,
    known: KnownVote,
    evidence: Evidence,
    giver: Evidence | None,
    delegations: Sequence[Delegation],
    directory: Directory,
    at: datetime,
) -> Standing:
    """Return for which teams whoever cast an earlier vote may decide now, and in whose stead."""
    if known.delegation is None:
        return standing_on(approval, evidence, directory, at)
    held = next((d for d in delegations if d.id == known.delegation and d.holds(at)), None)
    if held is None:
        return Standing(because="delegation-over")
    return in_stead(approval, evidence, held, giver, directory, at)


def _giver(known: KnownVote, voters: Sequence[Evidence]) -> Evidence | None:
    then = known.giver_evidence
    return None if then is None else _newest(then.slack, then, voters)


def _newest(slack: str, then: Evidence | None, voters: Sequence[Evidence]) -> Evidence | None:
    """Return the latest evidence of a person: handed in now, or that of the vote."""
    found = [evidence for evidence in voters if evidence.slack == slack]
    found += [then] if then else []
    return max(found, key=lambda evidence: evidence.fetched_at, default=None)
