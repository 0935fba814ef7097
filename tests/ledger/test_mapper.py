"""Every event that was ever written can be read, whatever became of its class."""

import json
from pathlib import Path
from typing import ClassVar

import pytest
from acme import NOON, Book, ask, click
from eventsourcing.persistence import EventStore, MapperDeserialisationError
from open_ledgers import real_now
from pydantic_core import to_json

from ledger.events.catalogue import EVENTS
from ledger.events.envelopes import Event, Recorded
from ledger.events.standing_events import AgentRevoked
from ledger.storage.databases import connect
from ledger.storage.mapper import UPCASTERS, RecordMapper, StoredRecord
from ledger.storage.recorder import LedgerRecorder
from ledger.storage.schema import migrate

GOLDEN = [
    json.loads(line)
    for line in (Path(__file__).parent / "golden" / "events-v1.jsonl").read_text().splitlines()
]


class Painted(Event):
    """An event of the tests; its first version said `color`, its second `colour`."""

    TOPIC: ClassVar[str] = "TestPainted"

    colour: str
    coats: int


def spell(raw):
    return {"colour": raw["color"]}


def count(raw):
    return {**raw, "coats": 1}


PAINTED = RecordMapper((Painted,), {"TestPainted": (spell, count)})


@pytest.mark.parametrize("line", GOLDEN, ids=[f"{line['topic']}-{line['v']}" for line in GOLDEN])
def test_an_event_that_was_written_once_is_read_for_ever(line):
    mapper = RecordMapper()

    event = mapper.event(line["topic"], line["state"].encode())

    assert line["topic"] == event.TOPIC
    if line["v"] == 1 and line["topic"] not in UPCASTERS:
        kept = json.loads(mapper.state(event))
        assert is_kept(json.loads(line["state"]), kept)


@pytest.mark.parametrize("line", GOLDEN, ids=[f"{line['topic']}-{line['v']}" for line in GOLDEN])
def test_an_event_is_written_byte_for_byte_as_it_always_was(line):
    mapper = RecordMapper()
    event = mapper.event(line["topic"], line["state"].encode())

    written = mapper.state(event)

    assert line["topic"] not in UPCASTERS
    assert written == to_json(event) == event.model_dump_json().encode()


def is_kept(old, new):
    """Tell whether all that was written is there still, with the same meaning; more may be."""
    if isinstance(old, dict):
        return old.keys() <= new.keys() and all(is_kept(old[key], new[key]) for key in old)
    if isinstance(old, list):
        return len(old) == len(new) and all(map(is_kept, old, new))
    return bool(old == new)


def test_every_event_and_version_has_its_golden_line():
    written = {(line["topic"], line["v"]) for line in GOLDEN}

    assert written == {
        (event.TOPIC, version)
        for event in EVENTS
        for version in range(1, len(UPCASTERS.get(event.TOPIC, ())) + 2)
    }


def test_names_of_events_are_unique():
    assert len({event.TOPIC for event in EVENTS}) == len(EVENTS)


def test_an_event_is_stored_under_its_topic_and_without_a_version_while_that_is_the_first():
    book = Book()
    book.do(ask())

    stored = RecordMapper().to_stored_event(book.recorded[0])

    assert stored.topic == "PolicyActivated"
    assert json.loads(stored.state)["source"] == "policy.yaml"
    assert "v" not in json.loads(stored.state)


def test_every_event_of_a_life_comes_back_equal():
    book = Book()
    book.do(ask())
    book.do(click("bob"))
    mapper = RecordMapper()

    back = [mapper.to_domain_event(mapper.to_stored_event(each)) for each in book.recorded]

    assert back == book.recorded


@pytest.mark.parametrize(
    "state",
    [b'{"color":"red"}', b'{"v":2,"colour":"red"}', b'{"v":3,"colour":"red","coats":1}'],
)
def test_older_states_are_brought_up_to_date(state):
    assert PAINTED.event("TestPainted", state) == Painted(colour="red", coats=1)


def test_a_later_version_is_named_in_the_state():
    assert PAINTED.state(Painted(colour="red", coats=2)) == b'{"v":3,"colour":"red","coats":2}'


@pytest.mark.parametrize(
    ("topic", "state"),
    [
        ("os:system", b"{}"),
        ("NeverHeardOf", b"{}"),
        ("TestPainted", b"not json"),
        ("TestPainted", b'{"v":3,"colour":"red","coats":1,"more":1}'),
        ("TestPainted", b'{"v":4,"colour":"red","coats":1,"lacquer":true}'),
    ],
)
def test_what_cannot_be_read_is_named(topic, state):
    with pytest.raises(MapperDeserialisationError, match=topic):
        PAINTED.event(topic, state)


def test_an_event_store_keeps_recorded_events(ledger_url):
    database = connect(ledger_url)
    with database.write() as connection:
        migrate(connection)
    store = EventStore(RecordMapper(), LedgerRecorder(database, real_now))
    book = Book()
    book.do(ask(), NOON)

    recordings = store.put(book.recorded)
    found = list(store.get("call-call_1"))
    database.close()

    assert [recording.notification.id for recording in recordings] == [1, 2, 3, 4]
    assert [each.event for each in found] == [book.recorded[2].event]
    assert isinstance(found[0], Recorded)
    assert (found[0].actor, found[0].command_id) == ("agent:ci-bot", "decide-call_1")


def test_a_record_keeps_the_envelope():
    record = RecordMapper().to_stored_event(
        Recorded(
            7,
            "policy",
            2,
            NOON,
            "shell:root",
            "c",
            "policy",
            "because",
            AgentRevoked(agent="mole", because=None),
        )
    )

    assert record == StoredRecord(
        originator_id="policy",
        originator_version=2,
        topic="AgentRevoked",
        state=b'{"agent":"mole","because":null}',
        id=7,
        at=1_795_435_200_000_000,
        actor="shell:root",
        command_id="c",
        correlation_id="policy",
        causation_id="because",
    )


def test_what_an_event_says_is_kept_by_no_parser():
    mapper = RecordMapper((Painted,))
    state = b'{"colour": "as one call has it", "coats": 1}'

    first, second = (mapper.event("TestPainted", state) for _ in range(2))

    assert first == second
    assert first.colour is not second.colour
