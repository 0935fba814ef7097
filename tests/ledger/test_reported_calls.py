"""Calls that their callers run: whose end is reported, or unknown after a while."""

from datetime import timedelta

import pytest
from acme import NOON, Book, after, ask, assessed, card, click, use
from open_ledgers import Clock, open_ledger, prepare
from sqlalchemy import inspect, text

from ledger.deciding.claims import AlreadyDecided
from ledger.events.events import OutcomeUnknown
from ledger.lives.calls import CallStatus, CompleteCall, PresumeLost
from ledger.lives.deadlines_due import ExpireCall
from ledger.storage import schema
from ledger.storage.databases import connect
from ledger.watching.deadlines import Deadlines
from policies.rules.decisions import Effect

HOUR = timedelta(hours=1)


def reported(name: str = "call_1", effect: Effect = Effect.ALLOW, **changes: object):
    return ask(name, assessed(effect), report_within=HOUR, **changes)


def completion(name: str = "call_1") -> CompleteCall:
    return CompleteCall(
        id=f"complete:{name}", actor="agent:ci-bot", call=name, outcome="ok", duration_ms=1, size=2
    )


def expiry(name: str = "call_1") -> ExpireCall:
    return ExpireCall(id=f"expire:{name}", actor="placet:deadlines", call=name)


def test_an_allowed_call_is_to_be_reported_within_its_time():
    book = Book()

    book.do(reported())

    assert book.state.call("call_1").report_until == NOON + HOUR


def test_the_time_of_an_approved_call_begins_when_the_approval_is_used():
    book = Book()
    book.do(reported(effect=Effect.REQUIRE_APPROVAL))
    book.do(card())
    book.do(click("bob"))
    assert book.state.call("call_1").deadline is None

    book.do(use(report_within=HOUR), after(60))

    assert book.state.call("call_1").deadline == after(60) + HOUR


def test_a_call_that_is_not_reported_in_time_has_an_unknown_outcome():
    book = Book()
    book.do(reported())

    assert book.do(expiry(), after(3599)) == []
    assert book.do(expiry(), after(3600)) == [
        OutcomeUnknown(call="call_1", approval=None, instance="one")
    ]
    assert book.do(expiry(), after(3601)) == []


def test_a_late_report_supersedes_the_unknown_outcome():
    book = Book()
    book.do(reported())
    book.do(expiry(), after(3600))

    book.do(completion(), after(4000))

    assert book.state.call("call_1").status is CallStatus.COMPLETED


def test_a_reported_call_has_no_deadline():
    book = Book()
    book.do(reported())

    book.do(completion())

    assert book.state.call("call_1").deadline is None
    assert book.do(expiry(), after(3600)) == []


def test_a_call_that_its_caller_runs_outlives_the_process_that_decided_it():
    book = Book()
    book.do(reported("call_1"))
    book.do(ask("call_2", assessed(Effect.ALLOW)))

    ended = book.do(PresumeLost(id="lost-1", actor="placet:sweep", instances=("one",)))

    assert [event.call for event in ended] == ["call_2"]
    assert book.state.call("call_1").status is CallStatus.RUNNING


def test_a_call_that_we_run_is_not_given_up_by_time():
    book = Book()
    book.do(ask(assessment=assessed(Effect.ALLOW)))

    assert book.do(expiry(), after(86_400)) == []


@pytest.mark.parametrize("effect", list(Effect))
def test_a_name_that_a_caller_gave_is_decided_once(effect):
    book = Book()
    book.do(reported(effect=effect, named=True))

    with pytest.raises(AlreadyDecided):
        book.restarted().do(reported(effect=effect, named=True))


async def test_the_sweep_gives_up_what_nobody_reported(sqlite_url):
    clock = Clock()
    with open_ledger(sqlite_url, clock) as ledger:
        await prepare(ledger)
        await ledger.execute(reported())
        clock.advance(3600)

        await Deadlines(ledger).sweep()

        assert (await ledger.call("call_1")).status is CallStatus.OUTCOME_UNKNOWN


async def test_a_replica_that_is_gone_takes_no_call_with_it_that_its_caller_runs(postgres_url):
    with open_ledger(postgres_url) as one, open_ledger(postgres_url, instance="two") as two:
        await prepare(two)
        await two.execute(reported(instance="two"))
        two.close()
        with one._parts.database.write() as connection:
            connection.execute(text("DELETE FROM ledger_instance WHERE id = 'two'"))

        assert await one.presume_lost() == ()


async def test_a_restart_leaves_a_call_that_its_caller_runs(sqlite_url):
    clock = Clock()
    with open_ledger(sqlite_url, clock, instance="first") as ledger:
        await prepare(ledger)
        await ledger.execute(reported("call_1", instance="first"))
        await ledger.execute(ask("call_2", assessed(Effect.ALLOW), instance="first"))

    with open_ledger(sqlite_url, clock, instance="second") as ledger:
        found = [(await ledger.call(name)).status for name in ("call_1", "call_2")]

        assert found == [CallStatus.RUNNING, CallStatus.OUTCOME_UNKNOWN]


def test_a_ledger_of_an_earlier_version_gets_the_column(ledger_url, monkeypatch):
    before = schema.MIGRATIONS.index(schema._with_reports)
    monkeypatch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:before])
    database = connect(ledger_url)
    with database.write() as connection:
        schema.migrate(connection)
    monkeypatch.undo()

    open_ledger(ledger_url).close()

    columns = [column["name"] for column in inspect(database.reading).get_columns("projected_call")]
    assert "deadline" in columns
    database.close()
