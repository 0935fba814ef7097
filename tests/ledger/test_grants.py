"""Who gives a grant, what it lifts, and when it ends."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from acme import DIRECTORY, NOON, Book, after, ask, assessed, evidence, grant

from ledger.events.events import CallDecided
from ledger.events.standing_events import (
    GrantIssued,
    GrantRefused,
    GrantRevoked,
)
from ledger.lives.deadlines_due import ExpireGrant
from ledger.lives.grants import Grant, GrantStatus, IssueGrant, RevokeGrant
from policies.people.people import Person, Team
from policies.rules.decisions import Effect, Term
from policies.values.refusals import Refused


def granted(**changes: object) -> Book:
    book = Book()
    (event,) = book.do(grant(**changes))
    assert isinstance(event, GrantIssued)
    return book


def known(book: Book) -> Grant:
    found = book.state.grant("grt_1")
    assert found is not None
    return found


def decided(book: Book, at: datetime, call: str = "call_1", **assessment: object) -> CallDecided:
    event = book.do(ask(call, assessed(**assessment)), at)[0]
    assert isinstance(event, CallDecided)
    return event


def refused(book: Book, command: IssueGrant | RevokeGrant, at: datetime = NOON) -> GrantRefused:
    (event,) = book.do(command, at)
    assert isinstance(event, GrantRefused)
    return event


def revoke(name: str | None = "bob", at: datetime = NOON, **changes: object) -> RevokeGrant:
    command = RevokeGrant(
        id=f"revoke-{name}-{at.timestamp()}",
        actor="shell:root" if name is None else f"person:{name}",
        grant="grt_1",
        reason="done",
        evidence=None if name is None else evidence(name, at),
    )
    return replace(command, **changes)


def test_an_approver_of_the_servers_team_gives_a_grant() -> None:
    book = granted(reason="migration")

    given = known(book)

    assert given.status is GrantStatus.LIVE
    assert (given.by, given.teams, given.reason) == ("bob", ("platform",), "migration")
    assert given.until == NOON + timedelta(hours=1)


def test_a_live_grant_lifts_the_next_call_and_is_named_in_the_decision() -> None:
    book = granted()

    decision = decided(book, after(1))

    assert decision.effect is Effect.ALLOW
    assert decision.grant == "grt_1"
    assert known(book).used == 1
    assert book.names() == ["GrantIssued", "CallDecided", "GrantUsed"]


def test_a_grant_lifts_until_its_end_and_not_at_it() -> None:
    book = granted()

    before = decided(book, after(3599.999))
    at_the_end = decided(book, after(3600), "call_2")

    assert before.grant == "grt_1"
    assert at_the_end.effect is Effect.REQUIRE_APPROVAL
    assert at_the_end.grant is None


def test_a_grant_never_lifts_a_denial() -> None:
    book = granted()

    decision = decided(book, after(1), effect=Effect.DENY, terms=())

    assert decision.effect is Effect.DENY
    assert decision.grant is None


@pytest.mark.parametrize(
    "assessment",
    [
        {"terms": (Term("platform", 2),)},
        {"terms": (Term("security", 1),)},
        {"terms": (Term("platform", 1), Term("security", 1))},
        {"grantable": False, "reason_required": True},
        {"grantable": False},
    ],
    ids=["two approvals", "another team", "both teams", "a reason", "never by grant"],
)
def test_a_rule_that_asks_for_more_than_its_giver_is_not_lifted(
    assessment: dict[str, object],
) -> None:
    book = granted()

    decision = decided(book, after(1), **assessment)

    assert decision.effect is Effect.REQUIRE_APPROVAL
    assert decision.grant is None


@pytest.mark.parametrize("terms", [("security",), ("platform", "security")])
def test_a_grant_of_an_approver_of_several_teams_lifts_what_any_of_them_is_asked_for(
    terms: tuple[str, ...],
) -> None:
    book = Book()
    book.do(grant("cat"))

    decision = decided(book, after(1), terms=tuple(Term(team, 1) for team in terms))

    assert decision.effect is Effect.ALLOW
    assert decision.grant == "grt_1"


@pytest.mark.parametrize(
    "changes", [{"agent": "helper"}, {"target": "files/read_*"}, {"target": "vault/*"}]
)
def test_a_grant_lifts_only_its_own_agent_and_tools(changes: dict[str, object]) -> None:
    book = Book()
    book.do(grant("cat", **changes))

    assert decided(book, after(1)).grant is None


def test_a_grant_is_used_as_often_as_it_says() -> None:
    book = granted(uses=2)

    decisions = [decided(book, after(n), f"call_{n}") for n in (1, 2, 3)]

    assert [decision.grant for decision in decisions] == ["grt_1", "grt_1", None]
    assert known(book).status is GrantStatus.EXPIRED
    assert book.names()[-2:] == ["CallDecided", "ApprovalRequested"]
    assert book.names().count("GrantExpired") == 1


def test_uses_are_counted_over_a_restart() -> None:
    book = granted(uses=2)
    decided(book, after(1))

    again = book.restarted()
    decisions = [decided(again, after(n), f"call_{n}") for n in (2, 3)]

    assert [decision.grant for decision in decisions] == ["grt_1", None]


def test_the_agents_owner_gives_it_no_grant() -> None:
    refusal = refused(Book(), grant("alice"))

    assert refusal.because == "own-request"


def test_the_person_an_agent_acts_for_gives_it_no_grant() -> None:
    assert refused(Book(), grant("bob", agent="helper")).because == "own-request"


def test_who_is_no_approver_gives_no_grant_and_is_told_why() -> None:
    refusal = refused(Book(), grant("eve"))

    assert refusal.because == "not-an-approver"
    assert refusal.message == "you are not an approver of `platform`; ask someone who is"
    assert (refusal.person, refusal.agent, refusal.target) == ("eve", "ci-bot", "files/write_*")


@pytest.mark.parametrize(
    ("fact", "because"),
    [
        ({"guest": True}, "guest"),
        ({"bot": True}, "bot"),
        ({"deleted": True}, "deactivated"),
        ({"stranger": True}, "stranger"),
        ({"undetermined": "timeout"}, "undetermined"),
        ({"fetched_at": NOON - timedelta(seconds=11)}, "stale-evidence"),
    ],
)
def test_an_unfit_or_unread_account_gives_no_grant(fact: dict[str, object], because: str) -> None:
    proof = evidence("bob").model_copy(update=fact)

    assert refused(Book(), grant("bob", evidence=proof)).because == because


def test_a_target_over_several_teams_needs_an_approver_of_all() -> None:
    refusal = refused(Book(), grant("bob", target="*/write_*"))
    book = granted(name="cat", target="*/write_*")

    assert refusal.because == "not-an-approver"
    assert "`security`" in refusal.message
    assert known(book).teams == ("platform", "security")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"agent": "nobody"}, "there is no agent `nobody`"),
        ({"target": "files"}, "write `server/tool`"),
        ({"target": "files/"}, "write `server/tool`"),
        ({"target": "files/a/b"}, "write `server/tool`"),
        ({"target": "mail/*"}, "there is no server `mail`"),
        ({"lasting": timedelta(0)}, "longer than nothing"),
        ({"lasting": timedelta(hours=-1)}, "longer than nothing"),
        ({"lasting": timedelta(hours=9)}, "at most"),
        ({"uses": 0}, "one use at least"),
    ],
)
def test_a_grant_that_makes_no_sense_or_lasts_too_long_is_refused_with_the_reason(
    changes: dict[str, object], words: str
) -> None:
    refusal = refused(Book(), grant("bob", **changes))

    assert refusal.because == "invalid"
    assert words in refusal.message


def test_an_operator_at_the_shell_speaks_for_the_teams_of_the_servers() -> None:
    book = granted(name=None)

    assert known(book).by == "shell:root"
    assert known(book).teams == ("platform",)
    assert decided(book, after(1)).grant == "grt_1"


def test_nobody_but_the_shell_gives_or_ends_a_grant_without_slacks_word() -> None:
    with pytest.raises(Refused, match="only an operator at the shell"):
        Book().do(grant("eve", evidence=None))
    with pytest.raises(Refused, match="only an operator at the shell"):
        granted().do(revoke("eve", evidence=None))


def test_a_revoked_grant_never_lifts() -> None:
    book = granted()
    book.do(revoke("bob", after(10)), after(10))

    assert decided(book, after(10)).grant is None
    assert known(book).status is GrantStatus.REVOKED
    assert known(book).ended_by == "bob"


@pytest.mark.parametrize("name", ["bob", "alice", "cat", None])
def test_its_giver_the_agents_owner_an_approver_or_the_shell_may_revoke(name: str | None) -> None:
    (event,) = granted().do(revoke(name))

    assert isinstance(event, GrantRevoked)
    assert event.by == (name or "shell:root")
    assert event.reason == "done"


def test_nobody_else_may_revoke() -> None:
    book = granted()

    refusal = refused(book, revoke("eve"))

    assert refusal.because == "not-an-approver"
    assert known(book).open


def test_what_has_ended_cannot_be_revoked() -> None:
    book = granted()
    with pytest.raises(Refused, match="already expired"):
        book.do(revoke("bob", after(3600)), after(3600))
    book.do(revoke("bob", after(10)), after(10))

    with pytest.raises(Refused, match="already revoked"):
        book.do(revoke("cat", after(11)), after(11))


def test_an_unknown_grant_cannot_be_revoked() -> None:
    with pytest.raises(Refused, match="there is no grant `grt_1`"):
        Book().do(revoke())


def test_a_grant_expires_at_its_end_and_only_once() -> None:
    book = granted()
    expire = ExpireGrant(id="expire:grt_1", actor="placet:sweep", grant="grt_1")

    early = book.do(expire, after(3599))
    on_time = book.do(expire, after(3600))
    again = book.do(expire, after(3601))

    assert early == again == []
    assert [event.TOPIC for event in on_time] == ["GrantExpired"]
    assert known(book).status is GrantStatus.EXPIRED


def platform(*approvers: str, groups: tuple[str, ...] = ("S0PLATFORM",)) -> object:
    team = Team("platform", "C0PLATFORM", approvers, groups)
    return replace(DIRECTORY, teams={**DIRECTORY.teams, "platform": team})


def test_a_giver_taken_off_the_list_lifts_nothing_any_more() -> None:
    book = granted().restarted(platform("cat"))

    assert decided(book, after(1)).grant is None


def test_a_giver_found_in_the_teams_group_lifts_without_being_listed() -> None:
    zoe = "T0ACME/U0ZOE"
    book = granted(name="bob", evidence=evidence(zoe, groups=["S0PLATFORM"]))

    assert decided(book.restarted(platform("cat")), after(1)).grant == "grt_1"
    assert decided(book.restarted(platform("cat", groups=())), after(2), "call_2").grant is None


def test_a_giver_found_in_the_group_lifts_nothing_for_an_owner_without_a_slack_id() -> None:
    zoe = "T0ACME/U0ZOE"
    people = {**DIRECTORY.people, "alice": Person("alice")}
    book = granted(evidence=evidence(zoe, groups=["S0PLATFORM"]))
    listed = granted()

    unplaced = replace(DIRECTORY, people=people)
    assert decided(book.restarted(unplaced), after(1)).grant is None
    assert decided(listed.restarted(unplaced), after(1)).grant == "grt_1"


def test_a_member_of_a_group_gives_no_grant_to_an_agent_whose_owner_has_no_slack_id() -> None:
    people = {**DIRECTORY.people, "alice": Person("alice")}
    zoes = grant("bob", evidence=evidence("T0ACME/U0ZOE", groups=["S0PLATFORM"]))

    refusal = refused(Book(replace(DIRECTORY, people=people)), zoes)

    assert refusal.because == "perhaps-own-request"


def test_a_giver_who_became_the_agents_owner_lifts_nothing() -> None:
    bobs = replace(DIRECTORY.agents["ci-bot"], owner="bob")
    book = granted().restarted(replace(DIRECTORY, agents={**DIRECTORY.agents, "ci-bot": bobs}))

    assert decided(book, after(1)).grant is None


def test_of_several_grants_the_one_that_ends_first_is_used() -> None:
    book = granted()
    book.do(replace(grant("cat"), grant="grt_2", lasting=timedelta(minutes=5)))

    assert decided(book, after(1)).grant == "grt_2"
    assert decided(book, after(301), "call_2").grant == "grt_1"


def test_a_secret_in_a_reason_for_a_grant_or_its_end_is_not_recorded() -> None:
    secret = "as glpat-FzYddq1ACtOd4c8mlSGO allows"
    book = granted(reason=secret)

    (revoked,) = book.do(revoke(reason=secret))

    assert known(book).reason == "as [hidden] allows"
    assert isinstance(revoked, GrantRevoked)
    assert revoked.reason == "as [hidden] allows"
