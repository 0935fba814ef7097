"""The votes of an approval that counted, with the evidence that they were cast on."""

from pydantic import AwareDatetime

from ledger.card_events import VoteCast
from ledger.envelopes import Fact, Recorded
from ledger.evidence import Evidence
from policies.people import Directory


class KnownVote(Fact):
    """A vote that counted, with the evidence that it was cast on."""

    person: str
    slack: str
    approves: bool
    teams: tuple[str, ...]
    reason: str | None
    revision: int
    at: AwareDatetime
    evidence: Evidence | None = None

    def is_of(self, person: str, slack: str) -> bool:
        """Tell whether this person cast it, by whichever name they went then."""
        return person == self.person or slack == self.slack

    def person_in(self, directory: Directory) -> str:
        """Return who cast it, by the name that they go by now."""
        return (
            self.evidence.person_in(directory) if self.evidence else directory.person_at(self.slack)
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
    )
