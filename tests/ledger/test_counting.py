"""A limit that comes into force counts the calls that ran before it, as far as they are kept."""

from datetime import timedelta
from functools import lru_cache
from hashlib import sha256

import pytest
from acme import NOON, PREPARED, WRITE_FILE, Book, after, ask, assessed, click, use
from hypothesis import given, settings
from hypothesis import strategies as st
from open_ledgers import Clock, open_ledger

from ledger.events.events import CallDecided
from ledger.events.usage_events import UsageCounted
from ledger.lives.calls import CompleteCall
from ledger.lives.policy_in_force import ActivatePolicy
from policies.deciding.assessment import assess
from policies.risks.risk import RiskFinding
from policies.rules.decisions import Assessment, Effect
from policies.rules.policy import Policy, compile_policy
from policies.values.calls import Call, JsonValue, Number, Risk

FREE = "version: 1\nrules: [{name: all, effect: allow}]\n"
LIMITED = FREE + (
    "limits: [{name: busy, match: {tool: write_*}, per: agent, at_most: 3, within: 1h}]\n"
)
SUMMED = LIMITED.replace("at_most: 3", "sum: args.n, at_most: 10")


def activate(text: str) -> ActivatePolicy:
    digest = sha256(text.encode()).hexdigest()
    return ActivatePolicy(
        id=f"policy-{digest}", actor="placet:policy", digest=digest, text=text, source="p.yaml"
    )


@lru_cache
def compiled(text: str) -> Policy:
    return compile_policy(text)


def assessed_by(text: str, book: Book, **arguments: JsonValue) -> Assessment:
    call = Call("ci-bot", "platform", None, "files", "write_file", arguments)
    risk = RiskFinding(Risk.WRITE, "by name")
    return assess(
        call,
        compiled(text),
        tool=WRITE_FILE,
        risk=risk,
        at=NOON,
        directory=book.state.directory,
    )


def ran(book: Book, call: str, text: str, n: str = "1", seconds: float = 0) -> Effect:
    assessment = assessed_by(text, book, n=Number(n))
    command = ask(call, assessment, digests=(f"k1:{call}",), arguments=f'{{"n":{n}}}')
    (decided, *_) = book.do(command, after(seconds))
    assert isinstance(decided, CallDecided)
    return decided.effect


def begun(text: str = FREE) -> Book:
    book = Book()
    book.do(activate(text))
    return book


def test_calls_before_the_limit_count_for_it() -> None:
    book = begun()
    for number in range(2):
        ran(book, f"call_{number}", FREE)

    (_, counted) = book.do(activate(LIMITED))

    assert isinstance(counted, UsageCounted)
    assert (counted.limit, counted.calls, counted.unclear) == ("busy", 2, 0)
    effects = [ran(book, f"call_{number}", LIMITED) for number in range(2, 4)]
    assert effects == [Effect.ALLOW, Effect.DENY]


def test_calls_before_count_as_long_as_if_the_limit_had_been_there() -> None:
    book = begun()
    for number in range(3):
        ran(book, f"call_{number}", FREE, seconds=number * 600)
    book.do(activate(LIMITED), after(1800))

    assert ran(book, "call_3", LIMITED, seconds=3599) is Effect.DENY
    assert ran(book, "call_4", LIMITED, seconds=3600) is Effect.ALLOW
    assert ran(book.restarted(), "call_5", LIMITED, seconds=4100) is Effect.DENY


def test_what_did_not_run_or_is_too_old_does_not_count() -> None:
    book = begun()
    ran(book, "call_0", FREE, seconds=-3601)
    ran(book, "call_1", FREE)
    book.do(ended("call_1", sent=False))
    book.do(ask("call_2", assessed(policy_digest=sha256(FREE.encode()).hexdigest())))

    assert [type(event).__name__ for event in book.do(activate(LIMITED))] == ["PolicyActivated"]


def test_an_approved_call_counts_from_when_it_was_sent() -> None:
    book = begun()
    digest = sha256(FREE.encode()).hexdigest()
    waiting = assessed(policy_digest=digest, use_within=timedelta(hours=3))
    book.do(ask("call_1", waiting))
    book.do(click("bob"))
    book.do(use("call_1", "apr_1", waiting), after(3000))

    (_, counted) = book.do(activate(LIMITED), after(4000))

    assert isinstance(counted, UsageCounted)
    assert [each.until for each in counted.counted] == [after(6600)]


def test_a_sum_counts_what_the_arguments_were_and_says_where_that_is_not_kept() -> None:
    book = begun()
    ran(book, "call_0", FREE, n="4.5")
    book.do(ask("call_1", assessed_by(FREE, book), arguments='{"n":"[redacted]"}', hidden=1))

    (_, counted) = book.do(activate(SUMMED))

    assert isinstance(counted, UsageCounted)
    assert (counted.calls, counted.unclear) == (2, 1)
    assert ran(book, "call_2", SUMMED, n="5.5") is Effect.ALLOW
    assert ran(book, "call_3", SUMMED, n="0.1") is Effect.DENY


@pytest.mark.parametrize(
    ("before", "by"),
    [
        ("name: busy", "name: calm"),
        ("at_most: 3", "at_most: 2"),
        ("within: 1h", "within: 1h, message: enough"),
        ("within: 1h", "within: 1h, effect: require_approval"),
    ],
)
def test_a_limit_that_counts_the_same_keeps_what_it_counted(before, by) -> None:
    book = begun(LIMITED)
    for number in range(2):
        ran(book, f"call_{number}", LIMITED)

    events = book.do(activate(LIMITED.replace(before, by)))

    assert [type(event).__name__ for event in events] == ["PolicyActivated"]
    assert sum(bucket.total for bucket in book.state.usage._buckets.values()) == 2


def test_a_limit_that_was_away_counts_what_ran_meanwhile_and_nothing_twice() -> None:
    book = begun(LIMITED)
    ran(book, "call_0", LIMITED)
    book.do(activate(FREE))
    ran(book, "call_1", FREE)
    again = LIMITED + "# again\n"
    (_, counted) = book.do(activate(again))

    assert isinstance(counted, UsageCounted)
    assert counted.calls == 1
    effects = [ran(book, f"call_{number}", again) for number in range(2, 4)]
    assert effects == [Effect.ALLOW, Effect.DENY]


@settings(max_examples=10)
@given(st.lists(st.integers(0, 20), min_size=101, max_size=250))
def test_many_calls_are_put_together_and_never_count_for_less(seconds) -> None:
    book = begun()
    text = SUMMED.replace("at_most: 10", "at_most: 100000")
    times = sorted(seconds)
    for number, second in enumerate(times):
        ran(book, f"call_{number}", FREE, seconds=second)

    (_, counted) = book.do(activate(text), after(30))

    assert isinstance(counted, UsageCounted)
    assert len(counted.counted) <= 100
    bucket = counted.counted[0].bucket
    for second in (30, 3599, 3600, 3605, 3610, 3620):
        exact = sum(1 for each in times if each + 3600 > second)
        assert book.state.usage.used(bucket, after(second)) >= exact
    assert book.state.usage.used(bucket, after(3621)) == 0


async def test_a_real_ledger_counts_the_same_and_a_restart_keeps_it(ledger_url) -> None:
    clock, book = Clock(), Book()
    with open_ledger(ledger_url, clock) as ledger:
        for command in (*PREPARED, activate(FREE)):
            await ledger.execute(command)
        for number in range(2):
            allowed = assessed_by(FREE, book)
            await ledger.execute(ask(f"call_{number}", allowed, digests=(f"d{number}",)))
        recorded = await ledger.execute(activate(LIMITED))
        counted = recorded[-1].event
        assert isinstance(counted, UsageCounted)
        assert counted.calls == 2
        assert await ledger.differences() == []
    with open_ledger(ledger_url, clock) as ledger:
        allowed = assessed_by(LIMITED, book)
        effects = []
        for number in range(2, 4):
            command = ask(f"call_{number}", allowed, digests=(f"d{number}",))
            (decided,) = await ledger.execute(command)
            assert isinstance(decided.event, CallDecided)
            effects.append(decided.event.effect)
    assert effects == [Effect.ALLOW, Effect.DENY]


def ended(call: str, *, sent: bool) -> CompleteCall:
    return CompleteCall(
        id=f"complete-{call}",
        actor="placet:gateway",
        call=call,
        outcome="failed",
        duration_ms=1,
        size=0,
        sent=sent,
    )
