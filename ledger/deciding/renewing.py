"""Gives a grant that is about to end once more, on its terms, for as long as it was given for."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger.events.envelopes import Command, Event
from ledger.events.evidence import Evidence
from ledger.events.standing_events import GrantIssued, GrantRevoked
from ledger.lives.grants import Grant, GrantStatus, IssueGrant
from ledger.lives.issuing import issue
from policies.people.people import Agent, Directory
from policies.values.refusals import Refused


@dataclass(frozen=True, kw_only=True)
class RenewGrant(Command):
    """Give `grant` anew, from now on, as the grant `anew` (`grt_…`); it ends what it replaces.

    `longest` is the policy's cap, `redacted` the policy's `redact`. `evidence`
    is None for an operator at the shell.
    """

    grant: str
    anew: str
    longest: timedelta | None = None
    redacted: tuple[str, ...] = ()
    evidence: Evidence | None = None


def renew(
    grant: Grant, command: RenewGrant, agent: Agent | None, directory: Directory, at: datetime
) -> list[Event]:
    """Return the new grant and the end of the old one, or GrantRefused.

    It is held to the rules of a grant that the same person gives by hand.
    Raises Refused for a grant that was revoked.
    """
    if grant.status is GrantStatus.REVOKED:
        raise Refused(f"grant `{grant.id}` was revoked; give another one")
    event = issue(_wanted(grant, command), agent, directory, at)
    if not isinstance(event, GrantIssued):
        return [event]
    anew = event.model_copy(
        update={"digest": grant.digest, "given_with": grant.given_with, "renews": grant.id}
    )
    if not grant.open:
        return [anew]
    because = f"renewed as {command.anew}"
    return [anew, GrantRevoked(grant=grant.id, by=anew.by, reason=because)]


def _wanted(grant: Grant, command: RenewGrant) -> IssueGrant:
    return IssueGrant(
        id=command.id,
        actor=command.actor,
        grant=command.anew,
        agent=grant.agent,
        target=grant.target,
        lasting=grant.until - grant.issued_at,
        uses=grant.uses,
        reason=grant.reason,
        longest=command.longest,
        evidence=command.evidence,
        when=grant.when,
        sum=grant.sum,
        at_most=grant.at_most,
        redacted=command.redacted,
    )
