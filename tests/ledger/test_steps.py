"""A question that waits: reminders, one escalation, more time, and taking it back."""

from dataclasses import replace
from datetime import timedelta

import pytest
from acme import DIRECTORY, NOON, Book, after, ask, assessed, click, evidence, use
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from ledger.deciding.claims import ClaimApproval
from ledger.events.patience_events import (
    ApprovalEscalated,
    ApprovalExtended,
    ApprovalReminded,
    StepRefused,
)
from ledger.lives.approvals import ApprovalStatus
from ledger.lives.deadlines_due import ExpireApproval
from ledger.lives.steps import ExtendApproval, TakeStep, WithdrawApproval
from policies.people.people import Directory
from policies.people.quiet_hours import QuietHoursText
from policies.rules.decisions import Term
from policies.values.refusals import Refused

MINUTES = 60
HALF = 15 * MINUTES


def with_team(**changes: object) -> Directory:
    """Return the company with another team `platform`."""
    platform = replace(DIRECTORY.teams["platform"], **changes)
    return replace(DIRECTORY, teams={**DIRECTORY.teams, "platform": platform})


ESCALATING = with_team(escalate_to="security")


def step(book: Book, seconds: float):
    return book.do(
        TakeStep(id=f"step-{seconds}", actor="placet:deadlines", approval="apr_1"), after(seconds)
    )


def extend(name: str, seconds: float, minutes: int) -> ExtendApproval:
    return ExtendApproval(
        id=f"extend-{name}-{seconds}",
        actor=f"person:{name}",
        approval="apr_1",
        lasting=timedelta(minutes=minutes),
        evidence=evidence(name, after(seconds)),
    )


def withdraw(name: str | None, seconds: float, actor: str = "", **changes) -> WithdrawApproval:
    return WithdrawApproval(
        id=f"withdraw-{name}-{seconds}",
        actor=actor or f"person:{name}",
        approval="apr_1",
        reason=changes.get("reason"),
        evidence=evidence(name, after(seconds)) if name else None,
    )


def test_a_team_is_reminded_at_half_of_the_time_and_once() -> None:
    book = Book()
    book.do(ask())

    early, due, again = (step(book, at) for at in (HALF - 1, HALF, HALF + 1))

    assert (early, again) == ([], [])
    assert due == [ApprovalReminded(approval="apr_1", team="platform", number=1)]


def test_whoever_takes_the_step_late_or_twice_reminds_once() -> None:
    book = Book()
    book.do(ask(assessment=assessed(expires_in=timedelta(hours=4))))

    reminded = [step(book, at) for at in (3 * 3600, 3 * 3600, 3 * 3600 + 5)]

    assert [len(events) for events in reminded] == [1, 0, 0]


def test_nobody_is_reminded_of_what_the_team_has_decided() -> None:
    book = Book()
    book.do(ask(assessment=assessed(terms=(Term("platform", 1), Term("security", 1)))))
    book.do(click("bob", after(10)), after(10))

    due = step(book, HALF)

    assert [event.team for event in due] == ["security"]


def test_in_quiet_hours_nobody_is_reminded_before_they_end() -> None:
    hours = TypeAdapter(QuietHoursText).validate_python("12:00-12:20 UTC")
    book = Book(with_team(quiet_hours=hours))
    book.do(ask())

    due = [step(book, at) for at in (HALF, 20 * MINUTES)]

    assert [len(events) for events in due] == [0, 1]


def test_a_question_that_quiet_hours_outlast_reminds_nobody() -> None:
    hours = TypeAdapter(QuietHoursText).validate_python("12:00-13:00 UTC")
    book = Book(with_team(quiet_hours=hours))
    book.do(ask())

    assert step(book, 29 * MINUTES) == []


def test_at_half_of_the_time_the_other_team_may_decide_in_the_place_of_the_first() -> None:
    book = Book(ESCALATING)
    book.do(ask())
    before = book.do(click("eve", after(10)), after(10))

    escalated = step(book, HALF)
    voted = book.do(click("eve", after(HALF + 1)), after(HALF + 1))

    assert [event.TOPIC for event in before] == ["CardFound", "VoteRefused"]
    assert ApprovalEscalated(approval="apr_1", team="platform", to="security") in escalated
    assert [event.TOPIC for event in voted] == ["VoteCast", "ApprovalGiven"]
    assert voted[0].teams == ("platform",)
    used = book.do(use(), after(HALF + 2))
    assert [event.TOPIC for event in used] == ["ApprovalDispatched"]


def test_a_team_says_itself_after_what_time_it_is_escalated() -> None:
    book = Book(with_team(escalate_to="security", escalate_after=timedelta(minutes=2)))
    book.do(ask())

    assert [event.TOPIC for event in step(book, 120)] == ["ApprovalEscalated"]


def test_escalation_adds_approvers_and_never_the_agents_owner_nor_a_second_vote() -> None:
    teams = {
        "platform": replace(DIRECTORY.teams["platform"], escalate_to="security"),
        "security": replace(DIRECTORY.teams["security"], approvers=("alice", "cat", "eve")),
    }
    book = Book(replace(DIRECTORY, teams=teams))
    book.do(ask(assessment=assessed(terms=(Term("platform", 2),))))
    book.do(click("cat", after(10)), after(10))
    step(book, HALF)

    owner = book.do(click("alice", after(HALF + 1)), after(HALF + 1))
    again = book.do(click("cat", after(HALF + 2)), after(HALF + 2))

    assert owner[-1].because == "own-request"
    assert again[-1].because == "already-voted"
    assert book.approval().status is ApprovalStatus.PENDING


def test_a_vote_of_the_other_team_counts_no_more_once_its_voter_left_that_team() -> None:
    book = Book(ESCALATING)
    book.do(ask())
    step(book, HALF)
    book.do(click("eve", after(HALF + 1)), after(HALF + 1))
    left = replace(ESCALATING.teams["security"], approvers=("cat",))
    later = book.restarted(replace(ESCALATING, teams={**ESCALATING.teams, "security": left}))

    claimed = later.do(use(), after(HALF + 2))

    assert [event.TOPIC for event in claimed] == ["ApprovalVoided"]


def test_an_approver_gives_it_more_time_and_reminders_go_on_doubling() -> None:
    book = Book()
    book.do(ask())
    step(book, HALF)

    (extended,) = book.do(extend("bob", 20 * MINUTES, 60), after(20 * MINUTES))
    expired = book.do(
        ExpireApproval(id="e", actor="placet:deadlines", approval="apr_1"), after(31 * MINUTES)
    )
    reminders = [step(book, minutes * MINUTES) for minutes in (30, 60, 89)]

    assert isinstance(extended, ApprovalExtended)
    assert extended.until == after(90 * MINUTES)
    assert expired == []
    assert [[event.number for event in events] for events in reminders] == [[2], [3], []]
    assert book.approval().deadline == after(90 * MINUTES)


@pytest.mark.parametrize(
    ("name", "minutes", "because"),
    [("eve", 30, "not-an-approver"), ("alice", 30, "own-request"), ("bob", 1_411, "too-long")],
)
def test_only_approvers_give_more_time_and_never_beyond_a_day(name, minutes, because) -> None:
    book = Book()
    book.do(ask())

    (refused,) = book.do(extend(name, 60, minutes), after(60))

    assert isinstance(refused, StepRefused)
    assert refused.because == because
    assert book.approval().deadline == after(30 * MINUTES)


def test_what_has_expired_gets_no_more_time() -> None:
    book = Book()
    book.do(ask())

    (refused,) = book.do(extend("bob", 30 * MINUTES, 30), after(30 * MINUTES))

    assert refused.because == "already-decided"


def test_the_owner_takes_the_question_back_and_that_is_no_denial() -> None:
    book = Book()
    book.do(ask())

    book.do(withdraw("alice", 60, reason="wrong folder"), after(60))

    assert book.approval().status is ApprovalStatus.CANCELLED
    assert book.approval().reason == "withdrawn by `alice`: wrong folder"


def test_an_approver_who_does_not_own_the_agent_cannot_take_it_back() -> None:
    book = Book()
    book.do(ask())

    (refused,) = book.do(withdraw("bob", 60), after(60))

    assert refused.because == "not-the-owner"
    assert book.approval().status is ApprovalStatus.PENDING


def test_an_owner_whose_account_is_deactivated_takes_nothing_back() -> None:
    book = Book()
    book.do(ask())
    gone = evidence("alice", after(60), deleted=True)

    (refused,) = book.do(replace(withdraw("alice", 60), evidence=gone), after(60))

    assert refused.because == "deactivated"


def test_an_agent_takes_back_its_own_question_and_no_others() -> None:
    book = Book()
    book.do(ask())

    with pytest.raises(Refused, match="only the agent that asked"):
        book.do(withdraw(None, 60, actor="agent:helper"), after(60))
    book.do(withdraw(None, 61, actor="agent:ci-bot"), after(61))

    assert book.approval().status is ApprovalStatus.CANCELLED


def test_what_was_approved_and_not_used_can_be_taken_back_and_what_runs_cannot() -> None:
    book = Book()
    book.do(ask())
    book.do(click("bob", after(1)), after(1))
    running = Book()
    running.do(ask())
    running.do(click("bob", after(1)), after(1))
    running.do(use(), after(2))

    book.do(withdraw("alice", 60), after(60))

    assert book.approval().status is ApprovalStatus.VOIDED
    with pytest.raises(Refused, match="nothing is left to take back"):
        running.do(withdraw(None, 60, actor="agent:ci-bot"), after(60))


def moved(move: str, at: int):
    return {
        "s": TakeStep(id="", actor="x", approval="apr_1"),
        "x": ExpireApproval(id="", actor="x", approval="apr_1"),
        "a": extend("bob", at, 10),
        "e": click("eve", after(at)),
        "b": click("bob", after(at), approves=False),
        "c": withdraw("alice", at),
        "u": use(),
    }[move]


@given(
    st.lists(
        st.tuples(st.sampled_from("saebxcu"), st.integers(1, 40 * MINUTES)), min_size=1, max_size=14
    )
)
def test_in_any_order_there_is_one_escalation_and_at_most_one_end(moves) -> None:
    book = Book(ESCALATING)
    book.do(ask())

    for number, (move, seconds) in enumerate(sorted(moves, key=lambda each: each[1])):
        command = moved(move, seconds)
        try:
            book.do(replace(command, id=f"{move}{number}"), after(seconds))
        except Refused:
            assert isinstance(command, ClaimApproval | WithdrawApproval)

    names = book.names()
    assert names.count("ApprovalEscalated") <= 1
    ends = {"ApprovalDenied", "ApprovalExpired", "ApprovalCancelled", "ApprovalVoided"}
    assert sum(name in ends for name in names) <= 1
    for extended in (r.event for r in book.recorded if isinstance(r.event, ApprovalExtended)):
        assert extended.until <= NOON + timedelta(days=1)
