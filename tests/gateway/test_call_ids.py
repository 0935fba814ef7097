"""Ids of calls grow with time and never repeat."""

import re
from datetime import UTC, datetime, timedelta

from gateway.calls.call_ids import CallIds


def ids_of_a_clock():
    """Return ids by a clock of a test, and what sets it forward."""
    times = [datetime(2026, 11, 26, 12, tzinfo=UTC)]
    return CallIds(lambda: times[0]), lambda: times.insert(0, times[0] + timedelta(seconds=1))


def test_an_id_tells_its_milliseconds():
    ids, _ = ids_of_a_clock()

    found = re.fullmatch(r"call_([0-9a-f]{11})[0-9a-f]{12}", ids.new())

    assert found
    assert int(found[1], 16) == 1_795_694_400_000


def test_more_ids_than_are_counted_are_all_different():
    ids = CallIds(lambda: datetime.now(UTC))  # noqa: TID251  the clock that the root has

    made = [ids.new() for _ in range(200_000)]

    assert len(set(made)) == len(made)


def test_ids_grow_within_a_moment_and_from_one_to_the_next():
    ids, forward = ids_of_a_clock()

    made = [ids.new() for _ in range(3)]
    forward()
    while made[0][:16] == made[-1][:16]:  # until the moment is over
        made.append(ids.new())

    assert made == sorted(made)
    assert made[0][:16] < made[-1][:16]


def test_processes_make_ids_of_their_own():
    (one, _), (other, _) = ids_of_a_clock(), ids_of_a_clock()

    assert {one.new() for _ in range(100)}.isdisjoint({other.new() for _ in range(100)})
