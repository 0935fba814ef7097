"""How much of one server is recorded over time."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.tools.learning_pace import AN_HOUR, EVENT, ROOM, LearningPace
from gateway.tools.tool_lists import LONGEST_LIST
from gateway.wire.definitions import MOST_TOOLS

HOUR = 3600.0
LARGEST = 1024 * 1024

sizes = st.integers(0, LARGEST)
steps = st.lists(st.tuples(st.floats(0, 40 * HOUR), sizes, st.booleans()), max_size=60)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds


def spent():
    """Return a pace of which nothing is left, and its clock."""
    clock = Clock()
    pace = LearningPace(clock)
    while pace.takes(0):
        pass
    return pace, clock


@given(steps)
def test_no_more_is_taken_than_there_was_at_first_and_each_hour_brought(taken):
    clock = Clock()
    pace = LearningPace(clock)
    total = 0
    for pause, size, recorded in taken:
        clock.seconds += pause
        if pace.takes(size):
            if recorded:
                total += size + EVENT
            else:
                pace.gives_back(size)

        assert total <= ROOM + AN_HOUR * (clock.seconds - 1000.0) / HOUR + 1


@given(st.lists(sizes, max_size=30))
def test_what_is_given_back_can_be_taken_again(given_back):
    pace = LearningPace(Clock())
    for size in given_back:
        assert pace.takes(size)
        pace.gives_back(size)

    assert pace.takes(ROOM - EVENT)
    assert not pace.takes(0)


def test_the_largest_first_list_fits_with_instructions():
    pace = LearningPace(Clock())

    assert pace.takes(64 * 1024)
    assert all(pace.takes(LONGEST_LIST // MOST_TOOLS + 1) for _ in range(MOST_TOOLS))


def test_what_found_no_room_finds_some_once_an_hour_has_passed():
    pace, clock = spent()

    clock.seconds += HOUR * 0.8
    early = pace.takes(0)
    clock.seconds += HOUR * 0.2
    definitions = [pace.takes(1500) for _ in range(1000)]

    assert not early
    assert 280 < definitions.count(True) < 700
    assert definitions[-1] is False


def test_after_a_long_silence_there_is_as_much_as_at_first_and_no_more():
    pace, clock = spent()

    clock.seconds += HOUR * 1000

    assert pace.takes(ROOM - EVENT)
    assert not pace.takes(0)
