"""Who votes for whom, for how long, and that two people on one seat count once."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from acme import DIRECTORY, NOON, Book, after, ask, assessed, card, click, evidence, refusal, use
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.events.card_events import VoteCast
from ledger.events.delegation_events import DelegationEnded, DelegationGiven
from ledger.events.evidence import Evidence
from ledger.lives.approvals import ApprovalStatus
from ledger.lives.delegations import EndDelegation, ExpireDelegation, GiveDelegation
from ledger.lives.lasting import Lasting, ThisCall
from ledger.lives.votes import CastVote
from ledger.words.sentences import sentence
from policies.people.people import Directory, Person
from policies.rules.decisions import Term
from policies.values.refusals import Refused

ZOE = "T0ACME/U0ZOE"


def delegate(
    giver: str = "bob", to: str = "eve", at: datetime = NOON, **changes: object
) -> GiveDelegation:
    """Return the command by which a person lets another vote for them for two days."""
    known = GiveDelegation(
        id=f"delegate-{giver}-{to}-{at.timestamp()}",
        actor=f"person:{giver}",
        delegation=f"dlg_{giver}_{to}_{int((at - NOON).total_seconds())}",
        lasting=timedelta(days=2),
        evidence=evidence(giver, at),
        delegate=evidence(to, at),
    )
    return replace(known, **changes)


def undelegate(giver: str = "bob", at: datetime = NOON) -> EndDelegation:
    slack = evidence(giver).slack
    return EndDelegation(id=f"end-{giver}-{at.timestamp()}", actor=f"person:{giver}", slack=slack)


def vote(
    name: str = "eve",
    at: datetime = NOON,
    *,
    of: tuple[str, ...] = ("bob",),
    voters: tuple[str, ...] = (),
    **changes: object,
) -> CastVote:
    """Return a click with fresh evidence of the giver too, and of those who voted before."""
    known = {"givers": tuple(evidence(one, at) for one in of)}
    known["voters"] = tuple(evidence(one, at) for one in voters)
    return click(name, at, **{**known, **changes})


def asked(directory: Directory = DIRECTORY, approvals: int = 1, **facts: object) -> Book:
    """Return a book in which bob, an approver of platform, has let eve, who is none, vote."""
    book = Book(directory)
    book.do(delegate())
    book.do(ask(assessment=assessed(terms=(Term("platform", approvals),)), **facts))
    book.do(card())
    return book


def test_a_delegate_votes_for_an_approver_and_the_vote_says_for_whom() -> None:
    book = asked()

    cast, given = book.do(vote())

    assert isinstance(cast, VoteCast)
    assert (cast.person, cast.giver, cast.teams) == ("eve", "bob", ("platform",))
    assert cast.delegation == "dlg_bob_eve_0"
    assert cast.giver_evidence == evidence("bob")
    assert given.TOPIC == "ApprovalGiven"
    assert sentence(cast) == "apr_1: eve, in the stead of bob, approves for platform"
    assert [event.TOPIC for event in book.do(use())] == ["ApprovalDispatched"]


def test_a_delegates_no_denies() -> None:
    book = asked()

    book.do(vote(approves=False))

    assert book.approval().status is ApprovalStatus.DENIED


def test_it_is_for_the_teams_that_the_giver_is_an_approver_of_and_no_others() -> None:
    book = Book()

    event = book.do(delegate("cat", "eve"))[0]

    assert isinstance(event, DelegationGiven)
    assert event.teams == ("platform", "security")
    assert event.until == NOON + timedelta(days=2)
    assert sentence(event).startswith(
        "dlg_cat_eve_0: cat lets eve vote for them, for platform and security until"
    )


def test_what_is_delegated_for_one_team_is_no_right_in_another() -> None:
    book = Book()
    book.do(delegate("cat", "bob", teams=("platform",)))
    book.do(ask(assessment=assessed(terms=(Term("security", 1),))))
    book.do(card())

    assert refusal(book, vote("bob", of=("cat",))).because == "not-an-approver"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lasting": timedelta(days=30, seconds=1)}, "a delegation lasts at most 30 days"),
        ({"lasting": timedelta(0)}, "has to last longer than nothing"),
        ({"delegate": evidence("bob")}, "you vote for yourself already"),
        ({"delegate": evidence("eve", guest=True)}, "`eve` cannot vote for you: guests"),
        ({"delegate": evidence("eve", bot=True)}, "`eve` cannot vote for you: bots"),
        ({"delegate": evidence("eve", stranger=True)}, "`eve` cannot vote for you: people of"),
        ({"delegate": evidence("eve", deleted=True)}, "`eve` cannot vote for you: this Slack"),
        ({"delegate": evidence("eve", undetermined="timeout")}, "could not confirm who `eve` is"),
        ({"delegate": evidence("eve", after(-11))}, "could not confirm who `eve` is"),
        ({"evidence": evidence("bob", after(-11))}, "Slack's answer came too late"),
        ({"evidence": evidence("bob", guest=True)}, "guests of the workspace cannot decide"),
        ({"teams": ("security",)}, "you are not an approver of `security` yourself"),
        ({"teams": ("moon",)}, "there is no team `moon`; the teams are `platform`, `security`"),
        ({"evidence": evidence(ZOE)}, "you are not an approver of `platform` or `security`"),
    ],
)
def test_what_cannot_be_delegated_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(Refused, match=message.replace("`", ".")):
        Book().do(delegate(**changes))


def test_a_giver_has_one_delegate_at_a_time() -> None:
    book = Book()
    book.do(delegate())

    with pytest.raises(Refused, match="`eve` votes for you until 2026-11-25 12:00 UTC"):
        book.do(delegate("bob", "dan", after(1)), after(1))

    book.do(undelegate(at=after(2)), after(2))
    assert book.do(delegate("bob", "dan", after(3)), after(3))[0].TOPIC == "DelegationGiven"


def test_what_was_delegated_is_not_delegated_on() -> None:
    book = Book()
    book.do(delegate("bob", ZOE))

    with pytest.raises(Refused, match="what was delegated to you cannot be delegated on"):
        book.do(delegate(ZOE, "eve"))


def test_a_delegate_of_a_delegate_has_no_vote() -> None:
    book = asked(DIRECTORY)
    book.do(delegate("eve", ZOE))  # for security, where eve is an approver herself

    assert refusal(book, vote(ZOE, of=("eve", "bob"))).because == "not-an-approver"


@pytest.mark.parametrize(
    ("facts", "because"),
    [
        ({"bot": True}, "bot"),
        ({"guest": True}, "guest"),
        ({"stranger": True}, "stranger"),
        ({"deleted": True}, "deactivated"),
        ({"undetermined": "timeout"}, "undetermined"),
    ],
)
def test_a_delegate_who_is_unfit_now_does_not_count(facts: dict[str, object], because: str) -> None:
    book = asked()

    assert refusal(book, vote(evidence=evidence("eve", **facts))).because == because


@pytest.mark.parametrize(
    ("giver", "because"),
    [
        ((), "undetermined"),
        ((evidence("bob", after(-11)),), "undetermined"),
        ((evidence("bob", undetermined="timeout"),), "undetermined"),
        ((evidence("bob", deleted=True),), "giver-unfit"),
        ((evidence("bob", guest=True),), "giver-unfit"),
        ((evidence("cat"),), "undetermined"),
    ],
)
def test_a_delegate_is_no_more_than_the_giver_is_now(
    giver: tuple[Evidence, ...], because: str
) -> None:
    book = asked()

    assert refusal(book, vote(givers=giver)).because == because


def test_a_giver_who_is_no_approver_any_more_lets_nobody_vote() -> None:
    book = asked().restarted(without("bob"))

    refused = refusal(book, vote())

    assert refused.because == "not-an-approver"
    assert "neither you nor `bob`, for whom you vote" in refused.message


def test_a_giver_of_a_group_has_to_be_in_it_at_the_click() -> None:
    book = Book()
    member = evidence(ZOE, groups=["S0PLATFORM"])
    book.do(delegate(ZOE, "eve", evidence=member))
    book.do(ask())
    book.do(card())

    assert refusal(book, vote(of=(ZOE,))).because == "not-an-approver"
    assert book.do(vote(at=after(1), givers=(member,)), after(1))[-1].TOPIC == "ApprovalGiven"


@pytest.mark.parametrize(
    "agent", [{"owner": "eve"}, {"on_behalf_of": "eve"}, {"owner": "bob"}, {"on_behalf_of": "bob"}]
)
def test_neither_giver_nor_delegate_is_a_party_to_the_call(agent: dict[str, str]) -> None:
    book = asked(agent=replace(DIRECTORY.agents["ci-bot"], **agent))

    assert refusal(book, vote()).because == "own-request"


def test_a_delegate_whom_nobody_named_might_be_a_party_without_a_slack_id() -> None:
    people = {**DIRECTORY.people, "sam": Person("sam", subject="sam@example.com")}
    book = Book(replace(DIRECTORY, people=people))
    book.do(delegate("bob", ZOE))
    book.do(ask(agent=replace(DIRECTORY.agents["ci-bot"], owner="sam")))
    book.do(card())

    assert refusal(book, vote(ZOE)).because == "perhaps-own-request"


def test_who_voted_themselves_has_no_second_vote_through_a_delegate() -> None:
    book = asked(approvals=2)
    book.do(click("bob"))

    refused = refusal(book, vote(voters=("bob",)))

    assert refused.because == "seat-taken"
    assert refused.message == "`bob`, for whom you vote, has approved this: that counts once"


def test_a_giver_adds_nothing_to_a_delegates_yes_but_may_still_say_no() -> None:
    book = asked(approvals=2)
    book.do(vote())

    refused = refusal(book, click("bob", voters=(evidence("eve"), evidence("bob"))))
    assert refused.because == "seat-taken"
    assert refused.message == "`eve` has approved this in your stead: that counts once"

    book.do(click("bob", after(1), approves=False), after(1))
    assert book.approval().status is ApprovalStatus.DENIED


def test_a_delegate_votes_once_and_may_say_no_after_all() -> None:
    book = asked(approvals=2)
    book.do(vote())

    assert refusal(book, vote(at=after(1)), after(1)).because == "already-voted"
    book.do(vote(at=after(2), approves=False), after(2))
    assert book.approval().status is ApprovalStatus.DENIED


def test_a_delegate_of_two_votes_once_on_a_seat_that_is_free() -> None:
    book = asked(approvals=2)
    book.do(delegate("dan", "eve"))
    book.do(click("bob"))

    cast, given = book.do(vote(of=("bob", "dan"), voters=("bob",)))

    assert isinstance(cast, VoteCast)
    assert cast.giver == "dan"
    assert given.TOPIC == "ApprovalGiven"


def test_an_approver_who_is_a_delegate_too_votes_for_themselves() -> None:
    book = Book()
    book.do(delegate("bob", "cat"))
    book.do(ask(assessment=assessed(terms=(Term("platform", 2),))))
    book.do(card())

    (cast,) = book.do(vote("cat"))

    assert isinstance(cast, VoteCast)
    assert (cast.person, cast.giver) == ("cat", None)
    assert book.do(click("bob", voters=(evidence("cat"),)))[-1].TOPIC == "ApprovalGiven"


def test_no_grant_comes_with_a_delegates_yes() -> None:
    book = asked()
    wanted = Lasting("grt_9", ThisCall(), timedelta(hours=1), timedelta(hours=8))

    refused = refusal(book, vote(lasting=wanted))

    assert refused.because == "delegated"
    assert refused.message == ("who votes for somebody else gives no grants: approve this one only")


def test_a_delegate_who_has_left_since_completes_no_count() -> None:
    book = asked(approvals=2)
    book.do(vote())
    gone = (evidence("eve", after(20), deleted=True), evidence("bob", after(20)))

    (cast,) = book.do(vote("dan", after(20), of=(), givers=gone), after(20))

    assert cast.TOPIC == "VoteCast"
    assert book.approval().status is ApprovalStatus.PENDING


def test_a_giver_who_has_left_since_completes_no_count() -> None:
    book = asked(approvals=2)
    book.do(vote())
    gone = (evidence("eve", after(20)), evidence("bob", after(20), deleted=True))

    (cast,) = book.do(vote("dan", after(20), of=(), givers=gone), after(20))

    assert cast.TOPIC == "VoteCast"
    assert book.approval().status is ApprovalStatus.PENDING


def test_where_slack_says_nothing_of_the_giver_the_last_voter_has_to_press_again() -> None:
    book = asked(approvals=2)
    book.do(vote())

    refused = refusal(book, vote("dan", after(20), of=(), voters=("eve",)), after(20))

    assert refused.because == "undetermined"


def test_what_ran_out_unnoticed_counts_no_more_and_is_in_nobodys_way() -> None:
    end = NOON + timedelta(days=2)
    book = Book()
    book.do(delegate())
    book.do(ask(assessment=assessed(terms=(Term("platform", 2),))), end - timedelta(minutes=2))
    book.do(card(), end - timedelta(minutes=2))
    book.do(vote(at=end - timedelta(minutes=1)), end - timedelta(minutes=1))

    (cast,) = book.do(vote("dan", end, voters=("eve",)), end)

    assert cast.TOPIC == "VoteCast"
    assert book.do(delegate(at=end), end)[0].TOPIC == "DelegationGiven"
    assert book.do(click("bob", end, voters=(evidence("dan", end),)), end)[-1].TOPIC == (
        "ApprovalGiven"
    )


def test_a_delegation_ends_by_itself_also_where_nobody_expires_it() -> None:
    end = NOON + timedelta(days=2)
    book = Book()
    book.do(delegate())
    book.do(ask(), end)
    book.do(card(), end)

    assert refusal(book, vote(at=end), end).because == "not-an-approver"
    (ended,) = book.do(
        ExpireDelegation(id="x", actor="placet:deadlines", delegation="dlg_bob_eve_0"), end
    )
    assert ended == DelegationEnded(delegation="dlg_bob_eve_0", by=None, because="expired")
    assert sentence(ended) == "dlg_bob_eve_0: its time is over"


def test_a_delegation_does_not_expire_before_its_time() -> None:
    book = Book()
    book.do(delegate())
    expire = ExpireDelegation(id="x", actor="placet:deadlines", delegation="dlg_bob_eve_0")

    assert book.do(expire, NOON + timedelta(days=2) - timedelta(seconds=1)) == []


def test_a_yes_under_what_was_taken_back_completes_no_count() -> None:
    book = asked(approvals=2)
    book.do(vote())
    (ended,) = book.do(undelegate(at=after(1)), after(1))
    assert sentence(ended) == "dlg_bob_eve_0: taken back by bob"

    again = {"givers": (evidence("bob", after(2)),)}
    book.do(vote("dan", after(2), voters=("eve",), **again), after(2))
    assert book.approval().status is ApprovalStatus.PENDING

    book.do(click("bob", after(3), voters=(evidence("dan", after(3)),)), after(3))
    assert book.approval().by == ("dan", "bob")
    assert book.do(use(assessment=assessed(terms=(Term("platform", 2),))), after(4))[0].TOPIC == (
        "ApprovalDispatched"
    )


def test_an_approval_under_what_was_taken_back_is_void_when_it_is_used() -> None:
    book = asked()
    book.do(vote())
    book.do(undelegate(at=after(1)), after(1))

    (voided,) = book.restarted().do(use(), after(2))

    assert voided.TOPIC == "ApprovalVoided"


def test_an_approval_stays_good_when_the_delegation_runs_out_before_it_is_used() -> None:
    end = NOON + timedelta(days=2)
    book = Book()
    book.do(delegate())
    book.do(ask(), end - timedelta(minutes=2))
    book.do(card(), end - timedelta(minutes=2))
    book.do(vote(at=end - timedelta(minutes=1)), end - timedelta(minutes=1))
    book.do(ExpireDelegation(id="x", actor="placet:deadlines", delegation="dlg_bob_eve_0"), end)

    assert book.do(use(), end)[0].TOPIC == "ApprovalDispatched"


@pytest.mark.parametrize("gone", ["bob", "eve"])
def test_a_delegates_yes_is_void_once_the_giver_is_no_approver_or_either_is_a_party(
    gone: str,
) -> None:
    book = asked()
    book.do(vote())
    owned = {**DIRECTORY.agents, "ci-bot": replace(DIRECTORY.agents["ci-bot"], owner=gone)}

    by_list = book.restarted(without("bob")).do(use(), after(1))
    assert by_list[0].TOPIC == "ApprovalVoided"

    other = asked()
    other.do(vote())
    as_owner = other.restarted(replace(DIRECTORY, agents=owned)).do(
        use(agent=owned["ci-bot"]), after(1)
    )
    assert as_owner[0].TOPIC == "ApprovalVoided"


def test_only_who_delegated_takes_it_back() -> None:
    book = Book()
    book.do(delegate())

    with pytest.raises(Refused, match="nobody votes for you"):
        book.do(undelegate("eve"))


STEPS = st.sampled_from(["bob", "eve", "dan", "eve-no-evidence", "end", "again"])


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, max_size=9))
def test_giver_and_delegate_never_count_twice_whatever_the_order(steps: list[str]) -> None:
    book = asked(approvals=3)

    for second, step in enumerate(steps, 1):
        at = after(second * 20)
        people = ("bob", "eve", "dan")
        try:
            match step:
                case "end":
                    book.do(undelegate(at=at), at)
                case "again":
                    book.do(delegate(at=at), at)
                case "eve-no-evidence":
                    book.do(click("eve", at, voters=tuple(evidence(p, at) for p in people)), at)
                case _:
                    book.do(vote(step, at, voters=people), at)
        except Refused:
            continue

    votes = book.approval().votes
    assert book.approval().status is ApprovalStatus.PENDING
    assert len(book.approval().yes_votes("platform")) == len({known.holder for known in votes}) <= 2


def without(name: str) -> Directory:
    """Return the directory of a day on which a person is no approver of platform any more."""
    team = DIRECTORY.teams["platform"]
    left = replace(team, approvers=tuple(one for one in team.approvers if one != name))
    return replace(DIRECTORY, teams={**DIRECTORY.teams, "platform": left})
