"""Facts that are made unchecked are those that would have been made with checks."""

from acme import Book, ask, assessed
from pydantic_core import to_json

from ledger.events.events import ApprovalRequested, CallCompleted, CallDecided
from ledger.lives.calls import CallRecord, CallStatus, CompleteCall
from policies.rules.decisions import Effect


def test_a_decision_has_every_field_in_order_and_is_as_if_it_had_been_checked():
    book = Book()
    book.do(ask(assessment=assessed(Effect.ALLOW)))

    decided = book.recorded[-1].event
    checked = CallDecided.model_validate_json(to_json(decided))

    assert list(vars(decided)) == list(CallDecided.model_fields)
    assert checked == decided
    assert to_json(checked) == to_json(decided)
    assert checked.model_fields_set == decided.model_fields_set


def test_a_call_has_every_field_in_order_and_is_as_if_it_had_been_checked():
    book = Book()
    book.do(ask(assessment=assessed(Effect.ALLOW)))

    call = book.state.call("call_1")
    assert call is not None
    checked = CallRecord.model_validate_json(to_json(call))

    assert list(vars(call)) == list(CallRecord.model_fields)
    assert checked == call
    assert to_json(checked) == to_json(call)


def test_facts_of_a_kind_share_the_names_of_their_fields():
    book = Book()
    book.do(ask())

    asked = book.recorded[-1].event
    checked = ApprovalRequested.model_validate_json(to_json(asked))

    assert checked == asked
    assert checked.__pydantic_fields_set__ is asked.__pydantic_fields_set__


def test_a_changed_fact_is_as_if_it_had_been_checked_and_leaves_the_first_as_it_was():
    book = Book()
    book.do(ask(assessment=assessed(Effect.ALLOW)))
    call = book.state.call("call_1")
    assert call is not None

    ended = call.model_copy(update={"status": CallStatus.COMPLETED, "position": 9})
    checked = CallRecord.model_validate_json(to_json(ended))

    assert (call.status, call.position) == (CallStatus.RUNNING, 3)
    assert (ended.status, ended.position) == (CallStatus.COMPLETED, 9)
    assert checked == ended
    assert list(vars(ended)) == list(CallRecord.model_fields)
    assert call.model_copy() == call
    assert call.model_copy(deep=True) == call


def test_how_a_call_ended_is_as_if_it_had_been_checked():
    book = Book()
    book.do(ask(assessment=assessed(Effect.ALLOW)))
    book.do(
        CompleteCall(
            id="complete-call_1",
            actor="agent:ci-bot",
            call="call_1",
            outcome="ok",
            duration_ms=3,
            size=150,
        )
    )

    ended = book.recorded[-1].event
    checked = CallCompleted.model_validate_json(to_json(ended))

    assert list(vars(ended)) == list(CallCompleted.model_fields)
    assert checked == ended


def test_a_command_made_of_its_values_is_as_if_its_constructor_had_made_it():
    values = {"id": "call_1:complete", "actor": "placet:gateway", "call": "call_1"}
    values |= {"outcome": "ok", "duration_ms": 12, "size": 34}

    made = CompleteCall.made(**values)

    assert made == CompleteCall(**values)
    assert hash(made) == hash(CompleteCall(**values))
    assert repr(made) == repr(CompleteCall(**values))
    assert made.sent
