"""The inbox gives out what waits, in order, and leaves nobody behind."""

import concurrent.futures

import pytest
from acme import ADD_MOLE

from ledger.unavailable import LedgerUnavailable, NotRecorded
from ledger.writing.inbox import Inbox, Waiting


def waiting(since: float = 0.0) -> Waiting:
    return Waiting(ADD_MOLE, since, concurrent.futures.Future())


def filled(count: int) -> Inbox:
    inbox = Inbox(1000)
    for number in range(count):
        inbox.put(waiting(number))
    return inbox


def test_what_was_put_in_is_taken_in_order_by_whoever_looks():
    inbox = filled(3)

    assert [each.since for each in inbox.take(10, 0)] == [0, 1, 2]
    assert inbox.take(10, 0) == []


def test_what_is_left_of_many_is_there_at_the_next_look():
    inbox = filled(3)
    inbox.take(2, 0)

    assert [each.since for each in inbox.take(2, 30)] == [2]


def test_the_last_crowd_is_remembered():
    inbox = filled(3)

    inbox.take(2, 0)
    assert inbox.crowd == 2
    inbox.take(2, 0)
    assert inbox.crowd == 1


def test_waking_takes_no_place_of_a_command():
    inbox = Inbox(1)
    inbox.wake()
    inbox.wake()

    inbox.put(waiting())
    with pytest.raises(NotRecorded, match="busy"):
        inbox.put(waiting())

    assert len(inbox.take(10, 30)) == 1
    assert inbox.depth == 0


def test_what_was_taken_in_before_the_end_is_given_out_after_it():
    inbox = filled(1)

    inbox.close()
    with pytest.raises(LedgerUnavailable, match="closed"):
        inbox.put(waiting())

    assert not inbox.finished
    assert len(inbox.take(10, 30)) == 1
    assert inbox.finished
