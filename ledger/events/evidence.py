"""What Slack said of a person at the moment of a click, and what that is worth."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic import AwareDatetime

from ledger.events.envelopes import Fact
from ledger.events.parties import Parties
from policies.people.people import Directory, Team

FRESH = timedelta(seconds=10)
"""How old evidence may be when the ledger decides on it."""

GROUP_FRESH = timedelta(minutes=10)
"""How old a cached group membership may be for read and write risk."""


class Membership(Fact):
    """Whether a person is in a Slack user group, and when that was read."""

    group: str
    member: bool
    fetched_at: AwareDatetime


class Evidence(Fact):
    """A person's Slack user record and group memberships as they were read.

    `slack` is `T…/U…`, of the workspace and the user. `undetermined` says in
    words why the user record could not be read, `groups_undetermined` why the
    memberships could not; both are None where everything was read. `matched`
    is the person of the configuration who has the verified e-mail address of
    the account, where that is to name people.
    """

    slack: str
    fetched_at: AwareDatetime
    deleted: bool = False
    bot: bool = False
    guest: bool = False
    stranger: bool = False
    memberships: tuple[Membership, ...] = ()
    undetermined: str | None = None
    groups_undetermined: str | None = None
    matched: str | None = None

    def person_in(self, directory: Directory) -> str:
        """Return the name of the person whose account it is, or its id `T…/U…`.

        INVARIANT: an address names nobody who has a Slack id of their own in
        the configuration, and nobody whose address is not there any more.
        """
        known = directory.person_at(self.slack)
        if known in directory.people or self.matched is None:
            return known
        person = directory.people.get(self.matched)
        by_email = person is not None and person.slack is None and person.email is not None
        return self.matched if by_email else known

    def in_group(self, group: str, *, at: datetime, oldest: timedelta) -> bool:
        """Tell whether fresh evidence shows membership of `group` at `at`."""
        return any(
            known.group == group and known.member and -FRESH <= at - known.fetched_at <= oldest
            for known in self.memberships
        )

    def fresh(self, at: datetime) -> bool:
        """Tell whether it was read within 10 seconds of `at`, clocks allowed to differ by that."""
        return abs(at - self.fetched_at) <= FRESH

    @property
    def groups(self) -> frozenset[str]:
        """The user groups that the person was found in."""
        return frozenset(known.group for known in self.memberships if known.member)


class Standing(Fact):
    """Which teams a person may decide for, or why for none.

    `because` is a code: empty where `teams` is not.
    """

    teams: tuple[str, ...] = ()
    because: str = ""
    message: str = ""


_Because = tuple[str, str]

_NOBODY: Mapping[str, str] = {}

_UNFIT: Mapping[str, _Because] = {
    "deleted": ("deactivated", "this Slack account is deactivated and cannot decide"),
    "bot": ("bot", "bots and apps cannot decide"),
    "stranger": ("stranger", "people of another workspace cannot decide here"),
    "guest": ("guest", "guests of the workspace cannot decide"),
}


def standing(
    person: str,
    evidence: Evidence,
    directory: Directory,
    *,
    teams: tuple[str, ...],
    parties: Parties,
    group_age: timedelta,
    at: datetime,
    also: Mapping[str, str] = _NOBODY,
) -> Standing:
    """Return for which of `teams` this person may decide now.

    Approvers of the team that `also` has for one of them decide for it too.

    `parties` never may, nor whoever cannot be told from one of them. Evidence
    older than 10 seconds, or undetermined, refuses.
    """
    against = unfit(person, evidence, parties, at)
    if against is not None:
        return against
    entitled = tuple(
        name
        for name in teams
        if any(
            _approves(person, evidence, team, at=at, group_age=group_age)
            for each in (name, also.get(name, ""))
            if (team := directory.teams.get(each))
        )
    )
    if entitled:
        hidden = parties.mistakable(person, directory)
        return Standing(teams=entitled) if hidden is None else perhaps_own(hidden)
    if evidence.groups_undetermined:
        return _undetermined(evidence.groups_undetermined)
    named = " or ".join(f"`{name}`" for name in teams)
    return Standing(
        because="not-an-approver",
        message=f"you are not an approver of {named}; ask someone who is",
    )


def unfit(person: str, evidence: Evidence, parties: Parties, at: datetime) -> Standing | None:
    """Return why a person may decide for no team at all; None where nothing speaks against it."""
    if parties.include(person, evidence.slack):
        return Standing(
            because="own-request",
            message="you own this agent, or it acts for you: someone else has to decide",
        )
    if not evidence.fresh(at):
        return Standing(
            because="stale-evidence", message="Slack's answer came too late; press the button again"
        )
    if evidence.undetermined:
        return _undetermined(evidence.undetermined)
    for fact, (because, message) in _UNFIT.items():
        if getattr(evidence, fact):
            return Standing(because=because, message=message)
    return None


def perhaps_own(hidden: str) -> Standing:
    """Return that a person could be `hidden`, who is a party and has no Slack id here."""
    return Standing(
        because="perhaps-own-request",
        message=f"`{hidden}` owns this agent, or it acts for them, and the configuration has no"
        " Slack id of theirs: you might be the same person, so someone whom it names has to decide",
    )


def _undetermined(why: str) -> Standing:
    return Standing(
        because="undetermined",
        message=f"Slack could not confirm that you may decide ({why}); try again in a moment",
    )


def _approves(
    person: str, evidence: Evidence, team: Team, *, at: datetime, group_age: timedelta
) -> bool:
    return person in team.approvers or any(
        evidence.in_group(group, at=at, oldest=group_age) for group in team.groups
    )
