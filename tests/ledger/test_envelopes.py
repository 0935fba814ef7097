"""Facts that are made unchecked are those that would have been made with checks."""

from acme import Book, ask, assessed
from pydantic_core import to_json

from ledger.calls import CallRecord
from ledger.events import CallDecided
from policies.decisions import Effect


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
