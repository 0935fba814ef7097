"""A grant may ask something of each call's arguments, and end with what they add up to."""

from datetime import UTC, datetime

import pytest
from acme import NOON, Book, ask, assessed, grant

from ledger.deciding.claims import TermsUnread
from ledger.events.events import CallDecided
from ledger.events.standing_events import GrantIssued, GrantRefused, GrantUsed
from ledger.lives.grants import Grant
from policies.conditions.arguments import Scope
from policies.rules.decisions import Effect, GrantTerms
from policies.rules.grant_terms import answered
from policies.values.calls import JsonValue, Number

TO_DOCS = GrantTerms('args.path.startsWith("docs/")', None)
SPENDING = GrantTerms(None, "args.amount")
MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)


def granted(**terms: str) -> Book:
    book = Book()
    (issued,) = book.do(grant(**terms))
    assert isinstance(issued, GrantIssued), issued
    return book


def called(book: Book, call: str, terms: GrantTerms, **arguments: JsonValue) -> Effect:
    """Have a call decided as the gateway does: the terms are looked at and sent with it."""
    scope = Scope(arguments, {}, {}, MIDNIGHT)
    assessment = answered(assessed(), (terms,), scope)
    events = book.do(ask(call, assessment, digests=(f"k1:{call}",)))
    (found,) = [event for event in events if isinstance(event, CallDecided)]
    return found.effect


def known(book: Book) -> Grant:
    found = book.state.grant("grt_1")
    assert found is not None
    return found


def test_the_terms_of_a_grant_have_to_be_looked_at_before_a_call_is_decided() -> None:
    book = granted(when=TO_DOCS.when)

    with pytest.raises(TermsUnread) as unread:
        book.do(ask())

    assert unread.value.terms == (TO_DOCS,)


def test_a_grant_lifts_only_calls_that_meet_its_condition() -> None:
    book = granted(when=TO_DOCS.when)

    assert called(book, "call_1", TO_DOCS, path="docs/a.md") is Effect.ALLOW
    assert called(book, "call_2", TO_DOCS, path="/etc/motd") is Effect.REQUIRE_APPROVAL
    assert called(book, "call_3", TO_DOCS) is Effect.REQUIRE_APPROVAL


def test_a_grant_ends_with_what_its_calls_add_up_to() -> None:
    book = granted(sum="args.amount", at_most="500")

    amounts = ["300", "200.01", "199.99", "0.01", "0.01"]
    effects = [
        called(book, f"call_{number}", SPENDING, amount=Number(amount))
        for number, amount in enumerate(amounts)
    ]

    assert effects == [
        Effect.ALLOW,
        Effect.REQUIRE_APPROVAL,
        Effect.ALLOW,
        Effect.ALLOW,
        Effect.REQUIRE_APPROVAL,
    ]
    assert (known(book).taken, known(book).used) == ("500", 3)
    used = [each.event for each in book.recorded if isinstance(each.event, GrantUsed)]
    assert [event.amount for event in used] == ["300", "199.99", "0.01"]


@pytest.mark.parametrize("amount", [Number("-1"), "100", None, True, [], Number("1e40")])
def test_an_amount_that_cannot_be_told_is_under_no_grant(amount: JsonValue) -> None:
    book = granted(sum="args.amount", at_most="500")

    assert called(book, "call_1", SPENDING, amount=amount) is Effect.REQUIRE_APPROVAL
    assert known(book).taken == "0"


def test_what_a_grant_took_is_known_after_a_restart() -> None:
    book = granted(sum="args.amount", at_most="500")
    called(book, "call_1", SPENDING, amount=Number("400"))

    again = book.restarted()

    assert called(again, "call_2", SPENDING, amount=Number("101")) is Effect.REQUIRE_APPROVAL


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"when": "agrs.path"}, "there is no `agrs`; did you mean `args`?"),
        ({"when": " "}, "a condition has 1 to 1000 characters of CEL"),
        (
            {"sum": "args.amount"},
            "a sum needs both: what is added up, and how much it may be at most",
        ),
        (
            {"at_most": "5"},
            "a sum needs both: what is added up, and how much it may be at most",
        ),
        (
            {"sum": "args.amount", "at_most": "-5"},
            "what a grant may take in all has to be a number above 0",
        ),
        (
            {"sum": "args.amount", "at_most": "five"},
            "what a grant may take in all has to be a number above 0",
        ),
        (
            {"sum": "5", "at_most": "5"},
            "what is added up looks at nothing of the call; write for example `args.amount`",
        ),
        (
            {"sum": "args.price", "at_most": "5", "redacted": ("*price*",)},
            "`args.price` is redacted, and what is summed is kept",
        ),
        (
            {"when": 'args.key == "ghp_16C7e42F292c6912E7710c838347Ae178B4a"'},
            "the condition looks like it holds a secret; it would be kept for ever",
        ),
    ],
)
def test_terms_that_make_no_sense_are_refused_with_what_to_write(terms, message) -> None:
    (refused,) = Book().do(grant(**terms), NOON)

    assert isinstance(refused, GrantRefused)
    assert refused.message == message
