"""The inbox gives out what waits: patient commands with others, nobody left behind."""

import concurrent.futures

import pytest
from acme import ADD_MOLE

from ledger.inbox import Inbox, Waiting
from ledger.unavailable import LedgerUnavailable


def waiting(since: float = 0.0) -> Waiting:
    return Waiting(ADD_MOLE, since, concurrent.futures.Future())


def filled(*, urgent: int = 0, patient: int = 0) -> Inbox:
    inbox = Inbox(1000)
    for number in range(patient):
        inbox.put(waiting(number), patient=True)
    for number in range(urgent):
        inbox.put(waiting(number + 100), patient=False)
    return inbox


def test_patient_commands_go_with_the_next_one_and_first():
    inbox = filled(urgent=1, patient=2)

    assert [each.since for each in inbox.take(10, 0)] == [0, 1, 100]
    assert inbox.take(10, 0) == []


@pytest.mark.parametrize(
    ("urgent", "patient", "since"),
    [
        (9, 0, [100, 101, 102, 103]),
        (9, 9, [0, 1, 100, 101]),
        (1, 9, [0, 1, 2, 100]),
        (9, 1, [0, 100, 101, 102]),
    ],
)
def test_of_many_each_kind_gets_half_at_least(urgent, patient, since):
    inbox = filled(urgent=urgent, patient=patient)

    assert [each.since for each in inbox.take(4, 0)] == since


def test_hurrying_wakes_for_patient_commands_only():
    inbox = filled()
    inbox.hurry()
    assert inbox.depth == 0

    inbox.put(waiting(), patient=True)
    inbox.hurry()

    assert len(inbox.take(10, 30)) == 1


def test_waking_takes_no_place_of_a_command():
    inbox = Inbox(1)
    inbox.wake()
    inbox.wake()

    inbox.put(waiting())
    with pytest.raises(LedgerUnavailable, match="busy"):
        inbox.put(waiting())

    assert len(inbox.take(10, 30)) == 1
    assert inbox.depth == 0


def test_what_was_taken_in_before_the_end_is_given_out_after_it():
    inbox = filled(patient=1)

    inbox.close()
    with pytest.raises(LedgerUnavailable, match="closed"):
        inbox.put(waiting())

    assert not inbox.finished
    assert len(inbox.take(10, 30)) == 1
    assert inbox.finished
