"""Whoever was told "pending" hears the end once, and then asks anew."""

from datetime import timedelta

from approvals_given import NOON, REQUEST, after, requested

from gateway.calls.aftermath import REMEMBERED, Aftermath
from ledger.events.envelopes import Recorded
from ledger.events.events import ApprovalDenied, ApprovalDispatched, ApprovalGiven, CallDecided
from policies.rules.decisions import Effect
from policies.values.calls import Risk

DIGEST = REQUEST.digest
PENDING = requested()
DENIED = after(PENDING, ApprovalDenied(approval=PENDING.id, by="bob", reason=None))
GIVEN = after(
    PENDING,
    ApprovalGiven(approval=PENDING.id, by=("bob",), use_until=NOON + timedelta(minutes=15)),
)
USED = after(
    GIVEN,
    ApprovalDispatched(approval=PENDING.id, call="call_1", instance="one", policy_digest="0"),
)


def decided(instance, at=NOON):
    event = CallDecided(
        call="call_9",
        agent="ci-bot",
        on_behalf_of=None,
        server="github",
        tool="push_files",
        definition_hash="",
        digest=DIGEST,
        arguments="{}",
        hidden=0,
        effect=Effect.REQUIRE_APPROVAL,
        rules=(),
        message=None,
        risk=Risk.WRITE,
        evidence="",
        policy_digest="",
        instance=instance,
        approval=PENDING.id,
    )
    return Recorded(1, "call-call_9", 1, at, "agent:ci-bot", "c", "c", "", event)


def aftermath():
    return Aftermath("one", timedelta(seconds=4))


def owed(known, approval, at=NOON):
    question = known.question([DIGEST])
    return question is not None and known.owed(question, approval, at)


def test_nobody_is_owed_an_answer_that_nobody_waits_for():
    assert not owed(aftermath(), DENIED)


def test_as_many_callers_hear_the_end_as_went_away():
    known = aftermath()
    for _ in range(3):
        known.went_away(DIGEST, PENDING.id)
    known.came_back(DIGEST, PENDING.id)

    assert [owed(known, USED) for _ in range(3)] == [True, True, False]


def test_an_open_approval_is_not_an_end():
    known = aftermath()
    known.went_away(DIGEST, PENDING.id)

    assert not owed(known, PENDING)
    assert not owed(known, GIVEN)
    assert owed(known, DENIED)


def test_after_an_hour_a_call_asks_anew():
    known = aftermath()
    known.went_away(DIGEST, PENDING.id)

    assert not owed(known, DENIED, NOON + REMEMBERED + timedelta(seconds=1))


def test_a_newer_question_takes_the_place_of_an_older_one():
    known = aftermath()
    known.went_away(DIGEST, PENDING.id)
    known.went_away(DIGEST, "apr_newer")

    question = known.question([DIGEST])
    assert (question.approval, question.away) == ("apr_newer", 1)


def test_what_another_process_asked_is_told_once_unless_its_caller_was_still_held():
    held, gone = aftermath(), aftermath()
    held.follow([decided("two", NOON - timedelta(seconds=3))])
    gone.follow([decided("two", NOON - timedelta(seconds=9))])

    assert not owed(held, DENIED)
    assert [owed(gone, DENIED) for _ in range(2)] == [True, False]


def test_what_this_process_asked_is_known_without_the_ledger():
    known = aftermath()
    known.follow([decided("one", NOON - timedelta(seconds=9))])

    assert known.question([DIGEST]) is None


def test_what_was_used_elsewhere_is_no_answer():
    known = aftermath()
    known.follow([decided("two", NOON - timedelta(seconds=9))])

    assert not owed(known, USED)


def test_answers_from_before_the_start_are_told_once():
    known = aftermath()
    early = DENIED.model_copy(update={"requested_at": NOON - timedelta(minutes=1)})
    known.learn([early])

    assert [owed(known, early) for _ in range(2)] == [True, False]


def test_only_so_many_questions_are_kept():
    known = aftermath()
    for number in range(10_050):
        known.went_away(f"d{number}", f"apr_{number}")

    assert known.question(["d49"]) is None
    assert known.question(["d10049"]) is not None
