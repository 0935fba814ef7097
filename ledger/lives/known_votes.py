"""The votes of an approval that counted, with the evidence that they were cast on."""

from collections.abc import Sequence

from pydantic import AwareDatetime

from ledger.events.card_events import VoteCast
from ledger.events.envelopes import Fact, Recorded
from ledger.events.evidence import Evidence
from policies.people.people import Directory


class KnownVote(Fact):
    """A vote that counted, with the evidence that it was cast on.

    `delegation` is there where it was cast in the stead of the one whom
    `giver_evidence` is of.
    """

    person: str
    slack: str
    approves: bool
    teams: tuple[str, ...]
    reason: str | None
    revision: int
    at: AwareDatetime
    evidence: Evidence | None = None
    delegation: str | None = None
    giver: str | None = None
    giver_evidence: Evidence | None = None

    def is_of(self, person: str, slack: str) -> bool:
        """Tell whether this person cast it, by whichever name they went then."""
        return person == self.person or slack == self.slack

    @property
    def holder(self) -> tuple[str, str]:
        """Name and Slack id of the person on whose seat it is."""
        if self.giver is None or self.giver_evidence is None:
            return self.person, self.slack
        return self.giver, self.giver_evidence.slack

    def fills(self, person: str, slack: str) -> bool:
        """Tell whether it is on the seat of this person, cast by them or in their stead."""
        return person == self.holder[0] or slack == self.holder[1]

    def holder_in(self, directory: Directory) -> str:
        """Return on whose seat it is, by the name that they go by now."""
        giver = self.giver_evidence
        return self.person_in(directory) if giver is None else giver.person_in(directory)

    def person_in(self, directory: Directory) -> str:
        """Return who cast it, by the name that they go by now."""
        return (
            self.evidence.person_in(directory) if self.evidence else directory.person_at(self.slack)
        )


def one_per_seat(votes: Sequence[KnownVote]) -> tuple[KnownVote, ...]:
    """Return the votes without those whose seat voted again later."""
    return tuple(
        vote
        for place, vote in enumerate(votes, 1)
        if not any(later.fills(*vote.holder) for later in votes[place:])
    )


def known_vote(event: VoteCast, recorded: Recorded) -> KnownVote:
    """Return the vote that was cast."""
    return KnownVote(
        person=event.person,
        slack=event.evidence.slack,
        approves=event.approves,
        teams=event.teams,
        reason=event.reason,
        revision=event.revision,
        at=recorded.at,
        evidence=event.evidence,
        delegation=event.delegation,
        giver=event.giver,
        giver_evidence=event.giver_evidence,
    )
