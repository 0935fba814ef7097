"""Who may say yes or no, when it counts, and what it comes to."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from acme import DIRECTORY, NOON, Book, after, ask, assessed, card, click, evidence, refusal

from ledger.events.card_events import (
    DetailsViewed,
    VoteCast,
)
from ledger.events.events import ApprovalDenied, ApprovalGiven
from ledger.events.evidence import Evidence, Membership
from ledger.lives.approvals import ApprovalStatus
from ledger.lives.votes import ViewDetails
from policies.people.people import Person, Team
from policies.rules.decisions import Term
from policies.values.calls import Risk


def asked(**assessment: object) -> Book:
    book = Book()
    book.do(ask(assessment=assessed(**assessment)))
    book.do(card())
    return book


def test_one_approvers_yes_gives_an_approval_that_asks_for_one() -> None:
    book = asked()

    cast, given = book.do(click("bob", after(5)), after(5))

    assert isinstance(cast, VoteCast)
    assert (cast.person, cast.teams, cast.revision) == ("bob", ("platform",), 1)
    assert isinstance(given, ApprovalGiven)
    assert given.by == ("bob",)
    assert given.use_until == after(5) + timedelta(minutes=15)
    assert book.approval().status is ApprovalStatus.APPROVED


def test_a_vote_keeps_the_slack_id_and_the_time_of_its_evidence() -> None:
    book = asked()

    cast, _ = book.do(click("bob", after(5)), after(6))

    assert isinstance(cast, VoteCast)
    assert cast.evidence.slack == "T0ACME/U0BOB"
    assert cast.evidence.fetched_at == after(5)


def test_the_agents_owner_may_not_decide_though_an_approver() -> None:
    book = asked()

    refused = refusal(book, click("alice"))

    assert refused.because == "own-request"
    assert book.approval().status is ApprovalStatus.PENDING


def test_the_agents_owner_may_not_deny_either() -> None:
    book = asked()

    assert refusal(book, click("alice", approves=False)).because == "own-request"


def test_the_person_on_whose_behalf_the_agent_acts_may_not_decide() -> None:
    book = Book()
    helper = DIRECTORY.agents["helper"]
    book.do(ask(agent=helper))

    assert refusal(book, click("bob")).because == "own-request"
    assert book.do(click("cat"))[-1].TOPIC == "ApprovalGiven"


@pytest.mark.parametrize("parties", [{"owner": "sam"}, {"on_behalf_of": "sam"}])
def test_a_member_of_a_group_might_be_a_party_without_a_slack_id(parties: dict[str, str]) -> None:
    people = {**DIRECTORY.people, "sam": Person("sam", subject="sam@example.com")}
    book = Book(replace(DIRECTORY, people=people))
    book.do(ask(agent=replace(DIRECTORY.agents["ci-bot"], **parties)))
    zoe = "T0ACME/U0ZOE"

    refused = refusal(book, click(zoe, evidence=evidence(zoe, groups=["S0PLATFORM"])))

    assert refused.because == "perhaps-own-request"
    assert book.do(click("bob"))[-1].TOPIC == "ApprovalGiven"


def test_a_stranger_to_the_teams_is_refused_and_remembered() -> None:
    book = asked()

    refused = refusal(book, click("eve"))

    assert refused.because == "not-an-approver"
    assert refused.evidence.slack == "T0ACME/U0EVE"
    assert book.approval().refused_votes == 1


@pytest.mark.parametrize(
    ("fact", "because"),
    [
        ({"guest": True}, "guest"),
        ({"bot": True}, "bot"),
        ({"deleted": True}, "deactivated"),
        ({"stranger": True}, "stranger"),
        ({"undetermined": "timeout"}, "undetermined"),
    ],
)
def test_an_unfit_or_unread_account_does_not_count(fact: dict[str, object], because: str) -> None:
    book = asked()

    refused = refusal(book, click("bob", evidence=evidence("bob", **fact)))

    assert refused.because == because
    assert book.approval().votes == ()


def test_stale_evidence_does_not_count() -> None:
    book = asked()

    assert refusal(book, click("bob", NOON), after(11)).because == "stale-evidence"


def test_a_cached_group_membership_counts_for_a_write() -> None:
    book = asked(risk=Risk.WRITE)

    events = book.do(
        click("T0ACME/U0ZOE", after(300), evidence=member(after(300), age=290)), after(300)
    )

    assert [event.TOPIC for event in events] == ["VoteCast", "ApprovalGiven"]


@pytest.mark.parametrize("risk", [Risk.EXECUTE, Risk.DESTRUCTIVE, Risk.FINANCIAL])
def test_a_cached_group_membership_does_not_count_for_a_graver_risk(risk: Risk) -> None:
    book = asked(risk=risk)

    refused = refusal(
        book, click("T0ACME/U0ZOE", after(300), evidence=member(after(300), age=11)), after(300)
    )

    assert refused.because == "not-an-approver"


def member(at: datetime, *, age: float) -> Evidence:
    seen = Membership(group="S0PLATFORM", member=True, fetched_at=at - timedelta(seconds=age))
    return evidence("T0ACME/U0ZOE", at, memberships=(seen,))


def test_two_yes_of_one_person_are_one() -> None:
    book = asked(terms=(Term("platform", 2),))
    book.do(click("bob"))

    refused = refusal(book, click("bob", after(1)), after(1))

    assert refused.because == "already-voted"
    assert book.approval().status is ApprovalStatus.PENDING


def test_one_person_who_was_named_meanwhile_is_still_one() -> None:
    book = asked(terms=(Term("platform", 2),))
    zoe = "T0ACME/U0ZOE"
    book.do(click(zoe, evidence=evidence(zoe, groups=["S0PLATFORM"])))
    people = {**DIRECTORY.people, "zoe": Person("zoe", zoe)}
    platform = Team("platform", "C0PLATFORM", ("zoe",), ("S0PLATFORM",))
    named = replace(DIRECTORY, people=people, teams={**DIRECTORY.teams, "platform": platform})

    again = click(zoe, after(1), evidence=evidence(zoe, after(1)))
    refused = refusal(book.restarted(named), again, after(1))

    assert refused.because == "already-voted"


def test_two_approvers_complete_a_count_of_two() -> None:
    book = asked(terms=(Term("platform", 2),))
    book.do(click("bob"))

    bobs = evidence("bob", after(60))
    events = book.do(click("cat", after(60), voters=(bobs,)), after(60))

    assert [event.TOPIC for event in events] == ["VoteCast", "ApprovalGiven"]
    assert isinstance(events[-1], ApprovalGiven)
    assert events[-1].by == ("bob", "cat")
    assert events[-1].confirmed == (bobs,)


def test_two_clicks_at_the_same_instant_complete_a_count_of_two() -> None:
    book = asked(terms=(Term("platform", 2),))
    book.do(click("bob"))

    events = book.do(click("cat"))

    assert events[-1].TOPIC == "ApprovalGiven"


def test_a_count_is_not_completed_on_a_vote_that_nobody_can_confirm() -> None:
    book = asked(terms=(Term("platform", 2),))
    book.do(click("bob"))

    silent = refusal(book, click("cat", after(60)), after(60))
    unread = evidence("bob", after(61), undetermined="timeout")
    unsure = refusal(book, click("cat", after(61), voters=(unread,)), after(61))

    assert silent.because == "undetermined"
    assert "`bob`" in silent.message
    assert unsure.because == "undetermined"


def test_who_was_refused_for_want_of_confirmation_may_press_again() -> None:
    book = asked(terms=(Term("platform", 2),))
    book.do(click("bob"))
    book.do(click("cat", after(60)), after(60))

    again = click("cat", after(90), voters=(evidence("bob", after(90)),))

    assert book.do(again, after(90))[-1].TOPIC == "ApprovalGiven"


def test_an_earlier_voter_who_left_does_not_count_any_more() -> None:
    book = asked(terms=(Term("platform", 2),))
    book.do(click("bob"))
    gone = evidence("bob", after(60), deleted=True)

    events = book.do(click("cat", after(60), voters=(gone,)), after(60))

    assert [event.TOPIC for event in events] == ["VoteCast"]
    assert book.approval().status is ApprovalStatus.PENDING


def test_a_third_approver_makes_up_for_one_who_left() -> None:
    book = asked(terms=(Term("platform", 2),))
    book.do(click("bob"))
    book.do(click("cat", after(60), voters=(evidence("bob", after(60), deleted=True),)), after(60))

    voters = (evidence("bob", after(90), deleted=True), evidence("cat", after(90)))
    *_, given = book.do(click("dan", after(90), voters=voters), after(90))

    assert isinstance(given, ApprovalGiven)
    assert given.by == ("cat", "dan")


def test_an_earlier_voter_whom_the_team_no_longer_lists_does_not_count() -> None:
    book = asked(terms=(Term("platform", 2),))
    book.do(click("bob"))
    platform = Team("platform", "C0PLATFORM", ("cat", "dan"), ("S0PLATFORM",))
    without_bob = replace(DIRECTORY, teams={**DIRECTORY.teams, "platform": platform})

    events = book.restarted(without_bob).do(click("cat", voters=(evidence("bob"),)))

    assert [event.TOPIC for event in events] == ["VoteCast"]


def test_every_named_team_has_to_reach_its_own_count() -> None:
    book = asked(terms=(Term("platform", 1), Term("security", 1)))

    first = book.do(click("bob"))
    second = book.do(click("eve"))

    assert [event.TOPIC for event in first] == ["VoteCast"]
    assert [event.TOPIC for event in second] == ["VoteCast", "ApprovalGiven"]


def test_an_approver_of_two_teams_counts_for_both() -> None:
    book = asked(terms=(Term("platform", 1), Term("security", 1)))

    cast, given = book.do(click("cat"))

    assert isinstance(cast, VoteCast)
    assert cast.teams == ("platform", "security")
    assert given.TOPIC == "ApprovalGiven"


def test_one_no_denies_whatever_was_said_before() -> None:
    book = asked(terms=(Term("platform", 2),))
    book.do(click("bob"))

    events = book.do(click("cat", approves=False, reason="not on a Friday"))

    assert [event.TOPIC for event in events] == ["VoteCast", "ApprovalDenied"]
    assert book.approval().status is ApprovalStatus.DENIED
    assert book.approval().reason == "not on a Friday"


def test_secrets_in_what_a_person_suggests_are_hidden_before_they_are_kept() -> None:
    book = Book()
    book.do(ask())
    suggested = '{"path":"/tmp","password":"hunter2hunter2"}'

    events = book.do(click("cat", approves=False, reason="no", suggested=suggested))

    assert events[-1].suggested == '{"password":"[hidden]","path":"/tmp"}'
    assert book.approval().suggested == '{"password":"[hidden]","path":"/tmp"}'


def test_an_approver_may_take_a_yes_back_by_denying() -> None:
    book = asked(terms=(Term("platform", 2),))
    book.do(click("bob"))

    events = book.do(click("bob", after(1), approves=False), after(1))

    assert events[-1].TOPIC == "ApprovalDenied"


def test_a_vote_after_a_decision_is_told_who_decided() -> None:
    book = asked()
    book.do(click("bob"))

    yes = refusal(book, click("cat"))
    no = refusal(book, click("dan", approves=False))

    assert (yes.because, yes.message) == ("already-decided", "already approved by `bob`")
    assert (no.because, no.message) == ("already-decided", "already approved by `bob`")
    assert book.approval().status is ApprovalStatus.APPROVED


def test_a_vote_at_the_deadline_records_the_expiry_that_nobody_noticed() -> None:
    book = asked()
    deadline = after(30 * 60)

    events = book.do(click("bob", deadline), deadline)

    assert [event.TOPIC for event in events] == ["ApprovalExpired", "VoteRefused"]
    assert book.approval().status is ApprovalStatus.EXPIRED


def test_a_vote_a_moment_before_the_deadline_counts() -> None:
    book = asked()

    events = book.do(click("bob", after(1799.9)), after(1799.9))

    assert events[-1].TOPIC == "ApprovalGiven"


def test_a_second_late_vote_does_not_expire_twice() -> None:
    book = asked()
    book.do(click("bob", after(1800)), after(1800))

    events = book.do(click("cat", after(1801)), after(1801))

    assert [event.TOPIC for event in events] == ["VoteRefused"]


def test_a_card_that_hides_something_cannot_be_approved_unread() -> None:
    book = asked()

    refused = refusal(book, click("bob", whole=False))

    assert refused.because == "unread"


def test_details_have_to_be_read_to_the_last_page_by_that_very_approver() -> None:
    book = asked()
    read(book, "T0ACME/U0CAT", 1, 2)
    read(book, "T0ACME/U0BOB", 1)

    first = refusal(book, click("bob", whole=False))
    read(book, "T0ACME/U0BOB", 2)
    second = book.do(click("bob", after(1), whole=False), after(1))

    assert first.because == "unread"
    assert second[-1].TOPIC == "ApprovalGiven"


def test_opening_only_the_last_page_is_not_reading() -> None:
    book = asked()
    read(book, "T0ACME/U0BOB", 2)

    assert refusal(book, click("bob", whole=False)).because == "unread"


def read(book: Book, slack: str, *pages: int) -> None:
    for page in pages:
        viewed = ViewDetails(
            id=f"view-{slack}-{page}",
            actor="person:x",
            approval="apr_1",
            slack=slack,
            page=page,
            pages=2,
        )
        (event,) = book.do(viewed)
        assert isinstance(event, DetailsViewed)


def test_an_unread_card_can_be_denied() -> None:
    book = asked()

    events = book.do(click("bob", approves=False, whole=False))

    assert events[-1].TOPIC == "ApprovalDenied"


@pytest.mark.parametrize("reason", [None, "", " \n\t"])
def test_a_yes_without_the_reason_that_a_rule_asks_for_does_not_count(reason: str | None) -> None:
    book = asked(reason_required=True)

    assert refusal(book, click("bob", reason=reason)).because == "reason-required"


def test_a_yes_with_its_reason_counts_and_keeps_it() -> None:
    book = asked(reason_required=True)

    book.do(click("bob", reason="INC-7"))

    assert book.approval().votes[0].reason == "INC-7"


def test_a_click_on_a_copy_of_the_card_registers_the_copy() -> None:
    book = asked()

    events = book.do(click("eve", ts="1763899999.000001"))

    assert [event.TOPIC for event in events] == ["CardFound", "VoteRefused"]
    assert [known.ts for known in book.approval().cards] == [
        "1763899200.000100",
        "1763899999.000001",
    ]


def test_a_click_on_a_known_copy_registers_nothing_more() -> None:
    book = asked()
    book.do(click("eve", ts="1763899999.000001"))

    events = book.do(click("bob", after(1), ts="1763899999.000001"), after(1))

    assert [event.TOPIC for event in events] == ["VoteCast", "ApprovalGiven"]


def test_a_secret_in_a_reason_is_not_recorded() -> None:
    reason = "leaks glpat-FzYddq1ACtOd4c8mlSGO"

    cast, denied = asked().do(click("bob", approves=False, reason=reason))

    assert isinstance(cast, VoteCast)
    assert isinstance(denied, ApprovalDenied)
    assert (cast.reason, denied.reason) == ("leaks [hidden]", "leaks [hidden]")
