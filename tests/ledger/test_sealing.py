"""The history is sealed each second, by whoever writes, and only on top of what was sealed."""

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest
from acme import ask, assessed
from open_ledgers import Clock, open_ledger, prepare, until
from sqlalchemy import create_engine, select, text
from tampering import tamper

from ledger.audit.checkpoints import hashes, newest
from ledger.audit.verifying import verify
from ledger.proofs.merkle import EMPTY_ROOT, Frontier, root_of
from ledger.proofs.signed_notes import opened
from ledger.proofs.signing import Signer
from ledger.storage.databases import connect
from ledger.storage.tables import CHECKPOINT, EVENT, SUBTREE
from ledger.writing.sealing import MOST_EVENTS
from policies.rules.decisions import Effect

SIGNER = Signer([b"s" * 32])


def calls(number, first=0):
    """Return commands that record one event each."""
    return [
        replace(
            ask(f"call_{each}", assessed(Effect.ALLOW), digests=(f"k1:{each:064x}",)), id=f"c{each}"
        )
        for each in range(first, first + number)
    ]


async def record(ledger, commands):
    await asyncio.gather(*(ledger.execute(command) for command in commands))


def look(url, work):
    database = connect(url)
    try:
        with database.reading.connect() as connection:
            return work(connection)
    finally:
        database.close()


def leaves(connection):
    found = connection.execute(select(EVENT.c.leaf_hash).order_by(EVENT.c.position))
    return [bytes(leaf) for leaf in found.scalars()]


def sizes(url):
    query = select(CHECKPOINT.c.size).order_by(CHECKPOINT.c.size)
    return look(url, lambda connection: list(connection.execute(query).scalars()))


async def test_what_is_recorded_is_sealed_within_a_second(ledger_url):
    with open_ledger(ledger_url) as ledger:
        ledger.seal(SIGNER)
        await prepare(ledger)
        await record(ledger, calls(3))
        await until(lambda: sizes(ledger_url)[-1:] == [len(look(ledger_url, leaves))])

    note = look(ledger_url, newest)
    checkpoint = opened(note, SIGNER.known(note))
    assert checkpoint.origin.startswith("placet/")
    assert checkpoint.root == Frontier().append(look(ledger_url, leaves)).root() != EMPTY_ROOT


async def test_a_quiet_ledger_is_not_sealed_again(ledger_url):
    with open_ledger(ledger_url) as ledger:
        ledger.seal(SIGNER)
        await prepare(ledger)
        await until(lambda: len(sizes(ledger_url)) > 0)
        before = sizes(ledger_url)
        await asyncio.sleep(2.2)

    assert sizes(ledger_url) == before


async def test_many_events_are_sealed_before_the_second_is_over(ledger_url):
    clock = Clock()
    with open_ledger(ledger_url, clock) as ledger:
        ledger.seal(SIGNER)
        await prepare(ledger)
        for first in range(0, 3 * MOST_EVENTS, MOST_EVENTS):
            await record(ledger, calls(MOST_EVENTS, first))

    steps = [later - earlier for earlier, later in pairwise([0, *sizes(ledger_url)])]
    assert len(steps) >= 2
    assert all(step <= 2 * MOST_EVENTS for step in steps)


async def test_the_kept_roots_are_those_of_the_leaves(sqlite_url):
    clock = Clock()
    number = 66_000
    with open_ledger(sqlite_url, clock) as ledger:
        await prepare(ledger)
    engine = create_engine(sqlite_url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :number)"
                " INSERT INTO ledger_event SELECT position + i, stream, version + i, type, state,"
                " salt, ledger_event.at, actor, NULL, NULL, correlation_id, causation_id,"
                " leaf_hash, NULL"
                " FROM ledger_event, n WHERE position = (SELECT max(position) FROM ledger_event)"
            ),
            {"number": number},
        )
        connection.execute(
            text("UPDATE ledger_head SET position = (SELECT max(position) FROM ledger_event)")
        )
    engine.dispose()
    with open_ledger(sqlite_url) as ledger:
        ledger.seal(SIGNER)
        await until(lambda: sizes(sqlite_url)[-1:] == [len(look(sqlite_url, leaves))], 60)

    def roots(connection):
        every = leaves(connection)
        query = select(SUBTREE.c.level, SUBTREE.c.number, SUBTREE.c.hash)
        return every, {(level, n): bytes(hash_) for level, n, hash_ in connection.execute(query)}

    every, kept = look(sqlite_url, roots)
    whole = {(1, n): every[256 * n : 256 * n + 256] for n in range(len(every) // 256)}
    whole[2, 0] = every[:65_536]
    assert kept == {place: Frontier().append(under).root() for place, under in whole.items()}
    at_hand = look(
        sqlite_url,
        lambda connection: root_of(len(every), lambda *where: hashes(connection, *where)),
    )
    assert at_hand == Frontier().append(every).root()


async def test_replicas_take_turns_and_go_on_from_one_another(ledger_url):
    if ledger_url.startswith("sqlite"):
        with open_ledger(ledger_url) as first:
            first.seal(SIGNER)
            await prepare(first)
            await until(lambda: len(sizes(ledger_url)) > 0)
        with open_ledger(ledger_url, instance="two") as second:
            second.seal(SIGNER)
            await record(second, calls(5))
            await until(lambda: sizes(ledger_url)[-1] == len(look(ledger_url, leaves)))
    else:
        with open_ledger(ledger_url) as first, open_ledger(ledger_url, instance="two") as second:
            first.seal(SIGNER)
            second.seal(SIGNER)
            await prepare(first)
            for start in range(0, 2_000, 200):
                await asyncio.gather(
                    record(first, calls(100, start)), record(second, calls(100, start + 100))
                )
            await until(lambda: sizes(ledger_url)[-1] == len(look(ledger_url, leaves)))
            assert (first.ready(), second.ready()) == ([], [])

    note = look(ledger_url, newest)
    root = Frontier().append(look(ledger_url, leaves)).root()
    assert opened(note, SIGNER.known(note)).root == root


async def test_an_older_key_is_followed_by_a_newer_one(sqlite_url):
    with open_ledger(sqlite_url) as ledger:
        ledger.seal(SIGNER)
        await prepare(ledger)
        await until(lambda: len(sizes(sqlite_url)) > 0)
    newer = Signer([b"n" * 32, b"s" * 32])
    with open_ledger(sqlite_url) as ledger:
        ledger.seal(newer)
        await record(ledger, calls(1))
        await until(lambda: sizes(sqlite_url)[-1] == len(look(sqlite_url, leaves)))

    note = look(sqlite_url, newest)
    assert opened(note, [newer.key(note.partition("\n")[0]).verifier]).size > 0


async def test_a_lost_key_is_followed_by_a_newer_one_where_its_public_key_is_given(sqlite_url):
    with open_ledger(sqlite_url) as ledger:
        ledger.seal(SIGNER)
        await prepare(ledger)
        await until(lambda: len(sizes(sqlite_url)) > 0)
    origin = look(sqlite_url, newest).partition("\n")[0]
    newer = Signer([b"n" * 32], [SIGNER.key(origin).verifier])
    with open_ledger(sqlite_url) as ledger:
        ledger.seal(newer)
        await record(ledger, calls(1))
        await until(lambda: sizes(sqlite_url)[-1] == len(look(sqlite_url, leaves)))

    verdict = look(sqlite_url, lambda connection: verify(connection, newer))

    assert opened(look(sqlite_url, newest), [newer.key(origin).verifier]).size > 0
    assert (verdict.flaws.count, verdict.sealed) == (0, verdict.events)


async def test_a_checkpoint_of_another_key_is_said_to_be_that(sqlite_url):
    with open_ledger(sqlite_url) as ledger:
        ledger.seal(SIGNER)
        await prepare(ledger)
        await until(lambda: len(sizes(sqlite_url)) > 0)
    stranger = Signer([b"n" * 32])
    with open_ledger(sqlite_url) as ledger:
        ledger.seal(stranger)
        await record(ledger, calls(1))
        await until(lambda: ledger.ready() != [])

        (trouble,) = ledger.ready()

    found = look(sqlite_url, lambda connection: verify(connection, stranger))
    assert "was signed by another key: put that key back" in trouble
    assert "signed by another key than the ledger's" in found.flaws.first[0].what
    assert "it was changed" in found.flaws.first[0].what


async def test_nothing_is_signed_on_top_of_what_does_not_hold(ledger_url):
    with open_ledger(ledger_url) as ledger:
        ledger.seal(SIGNER)
        await prepare(ledger)
        await until(lambda: len(sizes(ledger_url)) > 0)
    sealed = sizes(ledger_url)
    engine = create_engine(ledger_url)
    with engine.begin() as connection:
        connection.execute(CHECKPOINT.update().values(frontier=b"\0" * 32 * sealed[-1].bit_count()))
    engine.dispose()

    with open_ledger(ledger_url) as ledger:
        ledger.seal(SIGNER)
        await record(ledger, calls(2))
        await until(lambda: bool(ledger.ready()))
        (problem,) = ledger.ready()
        await record(ledger, calls(1, 2))

    assert "the history is sealed no more: the checkpoint of size" in problem
    assert sizes(ledger_url) == sealed


@pytest.mark.parametrize("column", ["frontier", "note"])
async def test_what_was_sealed_by_oneself_is_looked_at_again_all_the_same(ledger_url, column):
    with open_ledger(ledger_url) as ledger:
        ledger.seal(SIGNER)
        await prepare(ledger)
        await until(lambda: len(sizes(ledger_url)) > 0)
        sealed = sizes(ledger_url)
        wrong = {"frontier": b"\0" * 32 * sealed[-1].bit_count(), "note": "another\n"}
        engine = create_engine(ledger_url)
        with engine.begin() as connection:
            connection.execute(CHECKPOINT.update().values({column: wrong[column]}))
        engine.dispose()
        await record(ledger, calls(2))
        await until(lambda: bool(ledger.ready()))
        (problem,) = ledger.ready()

    assert "the history is sealed no more: the checkpoint of size" in problem
    assert sizes(ledger_url) == sealed


async def test_a_leaf_hash_that_is_none_keeps_no_call_from_being_decided(ledger_url):
    with open_ledger(ledger_url) as ledger:
        await prepare(ledger)
    wrong = "x'00'" if ledger_url.startswith("sqlite") else "'\\x00'::bytea"
    tamper(ledger_url, f"UPDATE ledger_event SET leaf_hash = {wrong} WHERE position = 1")

    with open_ledger(ledger_url) as ledger:
        ledger.seal(SIGNER)
        await until(lambda: bool(ledger.ready()))
        (problem,) = ledger.ready()
        await record(ledger, calls(1))

    assert "the history is sealed no more: behind position 0: leaf hash 0 has 1 bytes" in problem
    assert sizes(ledger_url) == []
