"""The events of a story are found by an index, whether its call stands alone or was asked about."""

import pytest
from acme import ask, assessed
from open_ledgers import open_ledger, prepare
from sqlalchemy import event, text

from ledger.lives.calls import CompleteCall
from ledger.storage.databases import connect
from ledger.storage.history import History
from ledger.storage.mapper import RecordMapper
from policies.rules.decisions import Effect

STORIES = {
    "call_1": ["CallDecided", "CallCompleted"],
    "apr_2": ["CallDecided", "ApprovalRequested"],
    "call_2": [],
    "files/write_file": [],
    "tool-files/write_file": ["ToolSeen"],
}


async def lived(url):
    with open_ledger(url) as ledger:
        await prepare(ledger)
        await ledger.execute(ask("call_1", assessed(Effect.ALLOW)))
        await ledger.execute(ask("call_2", digests=("k1:" + "d2" * 32,)))
        await ledger.execute(
            CompleteCall(
                id="call_1:complete",
                actor="placet:gateway",
                call="call_1",
                outcome="ok",
                duration_ms=3,
                size=150,
            )
        )


@pytest.mark.parametrize("story", STORIES)
async def test_a_story_has_its_events_in_order_and_no_others(ledger_url, story):
    await lived(ledger_url)

    with open_ledger(ledger_url) as ledger:
        found = await ledger.events(correlation=story)

    assert [each.event.TOPIC for each in found] == STORIES[story]
    assert {each.correlation_id for each in found} <= {story}
    assert found == sorted(found, key=lambda each: each.position)


async def test_no_story_is_looked_for_in_the_whole_history(sqlite_url):
    await lived(sqlite_url)
    database = connect(sqlite_url)
    asked = []

    with database.reading.connect() as connection:
        event.listen(
            database.reading,
            "before_cursor_execute",
            lambda _connection, _cursor, statement, values, *_: asked.append((statement, values)),
        )
        History(RecordMapper()).after(connection, 0, correlation="call_1", limit=10)
        ((statement, values),) = asked
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    database.close()

    assert [step for *_, step in plan if "SCAN" in step] == []
    assert any("ledger_event_related" in step for *_, step in plan)


async def test_a_call_by_itself_costs_no_place_in_the_index_of_stories(sqlite_url):
    await lived(sqlite_url)
    database = connect(sqlite_url)

    with database.reading.connect() as connection:
        kept = connection.execute(
            text(
                "SELECT type FROM ledger_event INDEXED BY ledger_event_related"
                " WHERE stream <> 'call-' || correlation_id ORDER BY position"
            )
        ).scalars()
        types = [*kept]
    database.close()

    assert types == ["PolicyActivated", "ToolSeen", "CallDecided", "ApprovalRequested"]
