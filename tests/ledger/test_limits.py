"""Limits are exact: what runs counts, what surely did not run is given back."""

from dataclasses import replace
from decimal import Decimal
from itertools import count

from acme import NOON, Book, after, ask, assessed, charge, click, grant, use
from hypothesis import given
from hypothesis import strategies as st

from ledger.events.events import ApprovalDispatched, ApprovalVoided, CallDecided
from ledger.lives.approvals import ApprovalStatus
from ledger.lives.calls import CompleteCall, PresumeLost
from policies.rules.decisions import Assessment, Effect, Term

ALLOWED = assessed(Effect.ALLOW, charges=(charge(),))
HELD = assessed(charges=(charge(),))


def decided(book: Book, call: str, assessment: Assessment = ALLOWED, seconds: float = 0) -> Effect:
    """Have a call of its own decided, and return what became of it."""
    events = book.do(ask(call, assessment, digests=(f"k1:{call}",)), after(seconds))
    (found,) = [event for event in events if isinstance(event, CallDecided)]
    return found.effect


def ended(call: str, *, sent: bool = True) -> CompleteCall:
    return CompleteCall(
        id=f"complete-{call}",
        actor="placet:gateway",
        call=call,
        outcome="ok" if sent else "failed",
        duration_ms=1,
        size=0,
        sent=sent,
    )


def test_calls_run_until_the_limit_is_reached_and_not_one_more() -> None:
    book = Book()

    effects = [decided(book, f"call_{number}") for number in range(4)]

    assert effects == [Effect.ALLOW, Effect.ALLOW, Effect.DENY, Effect.DENY]


def test_a_full_limit_says_what_is_taken_and_for_whom() -> None:
    book = Book()
    for number in range(2):
        decided(book, f"call_{number}")

    (found,) = book.do(ask("call_3", ALLOWED))

    assert isinstance(found, CallDecided)
    assert [(rule.rule, rule.pointer) for rule in found.rules] == [
        ("busy", "/limits/0"),
        ("writes", "/rules/1"),
    ]
    assert found.rules[0].because == (
        "2 of at most 2 calls let through within 1h for agent `ci-bot`"
    )


def test_a_call_counts_for_exactly_as_long_as_the_window() -> None:
    book = Book()
    for number in range(2):
        decided(book, f"call_{number}", seconds=number)

    assert decided(book, "call_2", seconds=3599.999) is Effect.DENY
    assert decided(book, "call_3", seconds=3600) is Effect.ALLOW
    assert decided(book, "call_4", seconds=3600.5) is Effect.DENY
    assert decided(book, "call_5", seconds=3601) is Effect.ALLOW


def test_a_call_that_was_not_sent_gives_back_what_it_took() -> None:
    book = Book()
    for number in range(2):
        decided(book, f"call_{number}")

    book.do(ended("call_0", sent=False))
    book.do(ended("call_1"))

    assert decided(book, "call_2") is Effect.ALLOW
    assert decided(book, "call_3") is Effect.DENY


def test_a_call_whose_outcome_is_unknown_counts_until_it_is_told_that_it_was_not_sent() -> None:
    book = Book()
    for number in range(2):
        decided(book, f"call_{number}")

    book.do(PresumeLost(id="lost", actor="placet:leases", instances=("one",)))

    assert decided(book, "call_2") is Effect.DENY
    book.do(ended("call_0", sent=False))
    assert decided(book, "call_3") is Effect.ALLOW


def test_a_restart_forgets_nothing_of_what_was_taken() -> None:
    book = Book()
    for number in range(2):
        decided(book, f"call_{number}")
    book.do(ended("call_0"))

    assert decided(book.restarted(), "call_2") is Effect.DENY


def test_a_call_that_waits_takes_nothing_before_it_runs() -> None:
    book = Book()
    for number in range(3):
        assert decided(book, f"call_{number}", HELD) is Effect.REQUIRE_APPROVAL

    assert decided(book, "call_3") is Effect.ALLOW
    assert decided(book, "call_4") is Effect.ALLOW


def test_an_approval_is_void_where_a_limit_that_denies_was_reached_meanwhile() -> None:
    book = Book()
    for number in range(3):
        decided(book, f"call_{number}", HELD)
        book.do(click("bob", approval=f"apr_{number}"))

    claims = [
        book.do(use(f"call_{n}", f"apr_{n}", HELD, digests=(f"k1:call_{n}",))) for n in range(3)
    ]

    assert [type(events[-1]) for events in claims] == [
        ApprovalDispatched,
        ApprovalDispatched,
        ApprovalVoided,
    ]
    assert book.approval("apr_2").status is ApprovalStatus.VOIDED
    assert "denied by limit `busy`" in str(claims[2][-1])


def test_people_answer_for_a_limit_that_asks_them() -> None:
    asking = assessed(Effect.ALLOW, charges=(charge(effect=Effect.REQUIRE_APPROVAL),))
    book = Book()
    effects = [decided(book, f"call_{number}", asking) for number in range(3)]
    book.do(click("bob", approval="apr_2"))

    (dispatched,) = book.do(use("call_2", "apr_2", asking, digests=("k1:call_2",)))

    assert effects == [Effect.ALLOW, Effect.ALLOW, Effect.REQUIRE_APPROVAL]
    assert isinstance(dispatched, ApprovalDispatched)
    assert book.state.usage.used("m1-ci", NOON) == 3


def test_a_grant_lifts_no_limit_and_what_runs_under_it_counts() -> None:
    book = Book()
    book.do(grant("bob"))

    effects = [decided(book, f"call_{number}", HELD) for number in range(3)]

    assert effects == [Effect.ALLOW, Effect.ALLOW, Effect.DENY]


def test_the_strictest_of_several_limits_wins_and_terms_add_up() -> None:
    asks = charge(0, bucket="m2", at_most=Decimal(-1), effect=Effect.REQUIRE_APPROVAL)
    also = replace(asks, limit="other", bucket="m3", term=Term("security", 2))
    book = Book()

    (_, requested) = book.do(ask(assessment=assessed(Effect.ALLOW, charges=(asks, also))))

    assert [(term.team, term.approvals) for term in requested.terms] == [  # type: ignore[attr-defined]
        ("platform", 1),
        ("security", 2),
    ]


def test_what_cannot_be_told_finds_no_room_and_adds_nothing() -> None:
    unknown = charge(None, effect=Effect.REQUIRE_APPROVAL)
    asking = assessed(Effect.ALLOW, charges=(unknown,))
    book = Book()

    assert decided(book, "call_0", asking) is Effect.REQUIRE_APPROVAL
    book.do(click("bob", approval="apr_0"))
    book.do(use("call_0", "apr_0", asking, digests=("k1:call_0",)))

    assert book.state.usage.used("m1-ci", NOON) == 0


def test_an_observed_call_counts_although_it_is_denied() -> None:
    book = Book()
    for number in range(3):
        book.do(ask(f"call_{number}", ALLOWED, observed=True))

    assert book.state.usage.used("m1-ci", NOON) == 3


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["call", "sent", "unsent", "lost", "restart", "wait"]),
        st.integers(0, 9),
        st.decimals(0, 3, places=3),
    ),
    max_size=40,
)


@given(STEPS)
def test_what_is_taken_is_what_a_look_at_the_whole_history_says(steps) -> None:
    book, now, ran = Book(), 0.0, dict[str, tuple[float, Decimal]]()
    names = count()
    for step, number, amount in steps:
        calls = sorted(ran)
        match step:
            case "call":
                name = f"call_{next(names)}"
                room = sum((taken for at, taken in ran.values() if at + 3600 > now), Decimal(0))
                one = charge(sums=True, amount=amount, at_most=Decimal(5))
                effect = decided(book, name, assessed(Effect.ALLOW, charges=(one,)), now)
                assert effect is (Effect.ALLOW if room + amount <= 5 else Effect.DENY)
                if effect is Effect.ALLOW:
                    ran[name] = (now, amount)
            case "sent" | "unsent" if calls:
                name = calls[number % len(calls)]
                if book.do(ended(name, sent=step == "sent"), after(now)) and step == "unsent":
                    del ran[name]
            case "lost":
                book.do(PresumeLost(id=f"l{now}", actor="x", instances=("one",)), after(now))
            case "restart":
                book = book.restarted()
            case _:
                now += number * 300

    expected = sum((taken for at, taken in ran.values() if at + 3600 > now), Decimal(0))
    assert book.state.usage.used("m1-ci", after(now)) == expected
