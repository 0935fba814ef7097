"""Checkpoints are brought out of the ledger, once each, and again where that failed."""

import asyncio

import pytest
from open_ledgers import open_ledger, until
from shelled import SIGNER, a_history
from tampering import seal

from ledger.audit.checkpoints import newest, notes_in
from ledger.audit.publishing import CheckpointFile, InTurn, Publisher
from ledger.proofs.signed_notes import Checkpoint, sign
from policies.values.refusals import Refused

KEY = SIGNER.key("placet/one")


def note(size):
    return sign(Checkpoint("placet/one", size, bytes(32)), KEY)


async def test_a_file_gets_each_checkpoint_once_over_restarts(tmp_path):
    path = tmp_path / "checkpoints"
    await CheckpointFile(path)(note(1))
    await CheckpointFile(path)(note(1))
    place = CheckpointFile(path)
    for size in (2, 3, 3):
        await place(note(size))

    assert notes_in(path.read_text()) == [note(1), note(2), note(3)]


async def test_what_a_crash_left_half_written_keeps_nothing_from_being_added(tmp_path):
    path = tmp_path / "checkpoints"
    path.write_text(note(1) + "\nplacet/one\n2\n")

    await CheckpointFile(path)(note(3))

    assert notes_in(path.read_text()) == [note(1), note(3)]


@pytest.fixture
def sealed(sqlite_url):
    a_history(sqlite_url)
    seal(sqlite_url)
    with open_ledger(sqlite_url) as ledger:
        yield ledger


async def test_a_place_that_fails_is_tried_again_and_said(sealed):
    tries = []

    async def place(brought):
        tries.append(brought)
        if len(tries) < 3:
            raise Refused("away")
        return True

    publisher = Publisher(sealed, [place], 0.02)
    running = asyncio.create_task(publisher.run())
    await until(lambda: len(tries) == 1)
    troubles = publisher.troubles()
    await until(lambda: len(tries) == 3 and not publisher.troubles())
    await asyncio.sleep(0.1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert troubles == ["checkpoints are not kept elsewhere: away"]
    assert tries == [await sealed.look(newest)] * 3


async def test_of_several_replicas_one_brings(sealed, sqlite_url):
    brought = []

    async def place(one):
        brought.append(one)

    with open_ledger(sqlite_url, serving=False, instance="two") as other:
        places = [InTurn(ledger, place, 60.0) for ledger in (sealed, other, sealed)]
        turns = [await each(note(1)) for each in places]

    assert (turns, len(brought)) == ([True, False, True], 2)


async def test_what_another_replica_has_to_bring_is_looked_at_again(sealed):
    turns = []

    async def place(_):
        turns.append(len(turns) == 1)
        return turns[-1]

    running = asyncio.create_task(Publisher(sealed, [place], 0.02).run())
    await until(lambda: len(turns) == 2)
    await asyncio.sleep(0.1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert turns == [False, True]


async def test_a_publisher_that_stopped_by_a_bug_says_so(sealed):
    async def place(_):
        raise ZeroDivisionError

    publisher = Publisher(sealed, [place], 0.02)
    publisher.start()
    await until(lambda: bool(publisher.troubles()))

    assert publisher.troubles() == ["checkpoints are not kept elsewhere: that stopped"]
    await publisher.close()
