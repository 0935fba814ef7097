"""What tasks have at hand is kept for as long as they last, and no longer."""

import asyncio
from dataclasses import replace

import pytest
from acme import NOON, Book, after, ask, card, click, use
from open_ledgers import Clock, open_ledger, prepare
from sqlalchemy import inspect, text

from ledger.events.events import ApprovalDispatched, CallDecided
from ledger.readings.tasks import Handle, KeptTask
from ledger.storage import schema
from ledger.storage.databases import connect
from ledger.unavailable import LedgerUnavailable
from policies.rules.decisions import Effect

TASK = KeptTask(
    id="task-1",
    principal="ci-bot",
    server="files",
    approval="apr_1",
    created_at=NOON,
    expires_at=after(60),
    request=b"\x00sealed",
)
HANDLE = Handle("files", "h1", "ci-bot", after(60))


async def test_a_task_is_found_as_it_was_kept_by_every_process(ledger_url):
    with open_ledger(ledger_url) as ledger, open_ledger(ledger_url, serving=False) as other:
        await ledger.tasks.put(TASK, most=10)
        kept = await other.tasks.find("task-1")
        await ledger.tasks.settle("task-1", b"result", after(90))
        settled = await other.tasks.find("task-1")
        await ledger.tasks.cancel("task-1", after(60))
        cancelled = await other.tasks.find("task-1")

        assert kept == TASK
        assert settled == replace(TASK, request=None, result=b"result", expires_at=after(90))
        assert (cancelled.cancelled, cancelled.expires_at) == (True, after(60))
        assert await other.tasks.find("task-2") is None


async def test_which_of_many_tasks_are_cancelled_is_asked_at_once(ledger_url):
    with open_ledger(ledger_url) as ledger:
        await ledger.tasks.put(TASK, most=10)
        await ledger.tasks.put(replace(TASK, id="task-2"), most=10)
        await ledger.tasks.cancel("task-2", after(60))

        assert await ledger.tasks.cancelled(["task-1", "task-2", "task-3"]) == ["task-2"]
        assert await ledger.tasks.cancelled(["task-1"]) == []
        assert await ledger.tasks.cancelled([]) == []


async def test_what_came_is_exchanged_only_where_it_is_still_there(ledger_url):
    with open_ledger(ledger_url) as ledger:
        await ledger.tasks.put(TASK, most=10)
        first = await ledger.tasks.exchange("task-1", None, b"one", after(90))
        again = await ledger.tasks.exchange("task-1", None, b"two", after(90))
        next_one = await ledger.tasks.exchange("task-1", b"one", b"three", after(91))

        assert (first, again, next_one) == (True, False, True)
        found = await ledger.tasks.find("task-1")
        assert found == replace(TASK, result=b"three", expires_at=after(91))


async def test_what_is_kept_stays_as_it_is_however_often_it_is_kept(ledger_url):
    with open_ledger(ledger_url) as ledger:
        await ledger.tasks.put(TASK, most=10)
        again = await ledger.tasks.put(replace(TASK, request=b"another"), most=10)

        assert again is True
        assert await ledger.tasks.find("task-1") == TASK


async def test_an_agent_has_no_more_tasks_than_it_may(ledger_url):
    with open_ledger(ledger_url) as ledger:
        kept = [
            await ledger.tasks.put(replace(TASK, id=f"task-{number}"), most=2)
            for number in range(3)
        ]
        other = await ledger.tasks.put(replace(TASK, id="task-9", principal="helper"), most=2)

        assert kept == [True, True, False]
        assert other is True


async def asked(ledger, clock):
    """Have approval `apr_1` asked for."""
    await prepare(ledger)
    await ledger.execute(ask("call_1"))
    await ledger.execute(card())
    clock.advance(1)


async def test_a_task_stays_as_long_as_its_approval_is_open(ledger_url):
    clock = Clock()
    with open_ledger(ledger_url, clock) as ledger:
        await asked(ledger, clock)
        await ledger.tasks.put(TASK, most=10)

        await ledger.tasks.sweep(after(3600))

        assert await ledger.tasks.find("task-1") == TASK


async def test_the_request_goes_as_soon_as_its_approval_ended_and_the_task_at_its_time(sqlite_url):
    clock = Clock()
    with open_ledger(sqlite_url, clock) as ledger:
        await asked(ledger, clock)
        await ledger.tasks.put(TASK, most=10)
        await ledger.execute(click("bob", clock.now(), approves=False))

        await ledger.tasks.sweep(after(59))
        ended = await ledger.tasks.find("task-1")
        await ledger.tasks.sweep(after(60))

        assert ended == replace(TASK, request=None)
        assert await ledger.tasks.find("task-1") is None


async def test_a_servers_own_task_is_of_the_caller_that_was_handed_it_last(ledger_url):
    with open_ledger(ledger_url) as ledger:
        await ledger.tasks.own(HANDLE)
        await ledger.tasks.own(replace(HANDLE, name="h2", principal="ci-bot for alice"))
        first = await ledger.tasks.owner("files", "h1")
        await ledger.tasks.own(replace(HANDLE, principal="helper"))

        assert first == HANDLE
        assert (await ledger.tasks.owner("files", "h1")).principal == "helper"
        assert await ledger.tasks.owner("vault", "h1") is None
        assert await ledger.tasks.owned("files", "ci-bot") == []
        assert [h.name for h in await ledger.tasks.owned("files", "ci-bot for alice")] == ["h2"]


async def test_handles_are_swept_at_their_time(sqlite_url):
    with open_ledger(sqlite_url) as ledger:
        await ledger.tasks.own(HANDLE)
        await ledger.tasks.own(replace(HANDLE, name="h2", expires_at=after(61)))

        await ledger.tasks.sweep(after(60))

        assert await ledger.tasks.owner("files", "h1") is None
        assert await ledger.tasks.owner("files", "h2") is not None


async def test_a_ledger_that_is_closed_keeps_no_task(sqlite_url):
    ledger = await asyncio.to_thread(open_ledger, sqlite_url)
    ledger.close()

    with pytest.raises(LedgerUnavailable):
        await ledger.tasks.put(TASK, most=10)


def test_a_ledger_of_the_first_version_gets_the_tables(ledger_url, monkeypatch):
    monkeypatch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
    database = connect(ledger_url)
    with database.write() as connection:
        schema.migrate(connection)
    monkeypatch.undo()

    open_ledger(ledger_url).close()

    assert inspect(database.reading).has_table("transient_task")
    with database.reading.connect() as connection:
        version = connection.execute(text("SELECT version FROM ledger_schema")).scalar()
    assert version == len(schema.MIGRATIONS)
    database.close()


def test_a_task_claims_its_approval_for_a_call_made_then():
    book = Book()
    book.do(ask("call_1"))
    book.do(card())
    book.do(click("bob"))

    decided, joined, dispatched = book.do(replace(use("call_2"), task="task-1"))

    assert isinstance(decided, CallDecided)
    assert (decided.effect, decided.approval) == (Effect.REQUIRE_APPROVAL, "apr_1")
    assert joined.call == "call_2"
    assert dispatched == ApprovalDispatched(
        approval="apr_1", call="call_2", instance="one", policy_digest="5f" * 32, task="task-1"
    )
    assert book.approval().dispatched_task == "task-1"
    assert book.state.call("call_2").status == "running"
