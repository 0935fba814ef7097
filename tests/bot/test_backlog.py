"""What is due when: growing waits, asked-for waits, and one look for many events."""

from bot.backlog import Backlog


class Clock:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def test_many_events_of_one_approval_are_one_look() -> None:
    backlog = Backlog(Clock())

    for _ in range(9):
        backlog.add("apr_1")

    assert backlog.take() == "apr_1"
    assert backlog.take() is None


def test_an_event_during_a_look_makes_another_look_afterwards() -> None:
    backlog = Backlog(Clock())
    backlog.add("apr_1")
    backlog.take()

    backlog.add("apr_1")
    during = backlog.take()
    backlog.done("apr_1")

    assert during is None
    assert backlog.take() == "apr_1"


def test_the_wait_after_failures_doubles_up_to_ten_seconds() -> None:
    clock = Clock()
    backlog = Backlog(clock)
    backlog.add("apr_1")

    waits = []
    for _ in range(8):
        clock.at += 60
        assert backlog.take() == "apr_1"
        backlog.failed("apr_1", None)
        waits.append(backlog._due["apr_1"] - clock.at)

    assert waits == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0, 10.0]


def test_a_wait_that_slack_asks_for_is_kept() -> None:
    clock = Clock()
    backlog = Backlog(clock)
    backlog.add("apr_1")
    backlog.take()

    backlog.failed("apr_1", 7.0)
    clock.at += 6.9
    early = backlog.take()
    clock.at += 0.1

    assert early is None
    assert backlog.take() == "apr_1"


def test_when_slack_is_back_nothing_waits_any_longer() -> None:
    backlog = Backlog(Clock())
    backlog.add("apr_1")
    backlog.take()
    backlog.failed("apr_1", 30.0)

    backlog.hurry()

    assert backlog.take() == "apr_1"


async def test_waiting_ends_when_something_is_added() -> None:
    backlog = Backlog(Clock())
    backlog.add("apr_1")

    await backlog.wait(3600)

    assert backlog.take() == "apr_1"
