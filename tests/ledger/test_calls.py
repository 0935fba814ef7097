"""The life of a call: decided, running, ended, or lost with its process."""

import pytest
from acme import NOON, Book, after, ask, assessed, click, use

from ledger.events.events import CallCompleted, OutcomeUnknown
from ledger.lives.calls import CallRecord, CallStatus, CompleteCall, PresumeLost
from policies.rules.decisions import Effect
from policies.values.refusals import Refused


def allowed() -> Book:
    book = Book()
    book.do(ask(assessment=assessed(Effect.ALLOW)))
    return book


def call(book: Book, name: str = "call_1") -> CallRecord:
    found = book.state.call(name)
    assert found is not None
    return found


def completion(outcome: str = "ok", suffix: str = "", name: str = "call_1") -> CompleteCall:
    return CompleteCall(
        id=f"complete-{name}{suffix}",
        actor="placet:gateway",
        call=name,
        outcome=outcome,
        duration_ms=12,
        size=345,
        content="hello" if outcome == "ok" else None,
        error=None if outcome == "ok" else "it broke",
    )


def lost(*instances: str) -> PresumeLost:
    return PresumeLost(id="lost-1", actor="placet:sweep", instances=instances)


@pytest.mark.parametrize(
    ("effect", "status"),
    [
        (Effect.ALLOW, CallStatus.RUNNING),
        (Effect.DENY, CallStatus.DENIED),
        (Effect.REQUIRE_APPROVAL, CallStatus.WAITING),
    ],
)
def test_a_call_begins_as_it_was_decided(effect: Effect, status: CallStatus) -> None:
    book = Book()

    book.do(ask(assessment=assessed(effect)))

    assert call(book).status is status
    assert call(book).decided_at == NOON


@pytest.mark.parametrize("effect", list(Effect))
def test_a_call_of_a_server_that_only_observes_runs_whatever_was_decided(effect: Effect) -> None:
    book = Book()

    book.do(ask(assessment=assessed(effect), observed=True))

    assert call(book).status is CallStatus.RUNNING
    assert call(book).effect is effect


def test_a_call_that_ran_is_completed_with_duration_and_size() -> None:
    book = allowed()

    (completed,) = book.do(completion())

    assert isinstance(completed, CallCompleted)
    assert (completed.outcome, completed.duration_ms, completed.size) == ("ok", 12, 345)
    assert call(book).status is CallStatus.COMPLETED


@pytest.mark.parametrize("outcome", ["tool-error", "rpc-error"])
def test_an_error_that_the_server_answered_is_a_completion(outcome: str) -> None:
    book = allowed()

    book.do(completion(outcome))

    assert call(book).status is CallStatus.COMPLETED


def test_no_answer_is_a_failure() -> None:
    book = allowed()

    book.do(completion("failed"))

    assert call(book).status is CallStatus.FAILED


def test_a_call_is_completed_once() -> None:
    book = allowed()
    book.do(completion())

    assert book.do(completion("failed", suffix="-again")) == []
    assert call(book).status is CallStatus.COMPLETED


@pytest.mark.parametrize("effect", [Effect.DENY, Effect.REQUIRE_APPROVAL])
def test_a_call_that_does_not_run_cannot_be_completed(effect: Effect) -> None:
    book = Book()
    book.do(ask(assessment=assessed(effect)))

    assert book.do(completion()) == []


def test_an_unknown_call_cannot_be_completed() -> None:
    with pytest.raises(Refused, match="there is no call `call_9`"):
        Book().do(completion(name="call_9"))


def test_the_running_calls_of_a_lost_process_have_an_unknown_outcome() -> None:
    book = allowed()
    book.do(ask("call_2", assessed(Effect.ALLOW), instance="two"))
    book.do(ask("call_3", assessed(Effect.DENY)))

    (unknown,) = book.do(lost("one"), after(15))

    assert isinstance(unknown, OutcomeUnknown)
    assert (unknown.call, unknown.instance) == ("call_1", "one")
    assert call(book, "call_2").status is CallStatus.RUNNING
    assert call(book, "call_3").status is CallStatus.DENIED


def test_a_lost_process_is_noted_once() -> None:
    book = allowed()
    book.do(lost("one"))

    assert book.do(lost("one")) == []


def test_a_late_answer_supersedes_an_unknown_outcome() -> None:
    book = allowed()
    book.do(lost("one"))

    book.do(completion())

    assert call(book).status is CallStatus.COMPLETED


def test_a_waiting_call_is_not_lost_with_its_process() -> None:
    book = Book()
    book.do(ask())

    assert book.do(lost("one")) == []


def test_an_approved_call_runs_where_it_was_dispatched() -> None:
    book = Book()
    book.do(ask())
    book.do(click("bob"))

    book.do(use(instance="two"))

    assert call(book).status is CallStatus.RUNNING
    assert call(book).instance == "two"
    assert [event.TOPIC for event in book.do(lost("two"))] == ["OutcomeUnknown"]


def test_the_outcome_of_an_approved_call_names_its_approval() -> None:
    book = Book()
    book.do(ask())
    book.do(click("bob"))
    book.do(use())

    (completed,) = book.do(completion())

    assert isinstance(completed, CallCompleted)
    assert completed.approval == "apr_1"
