"""Nothing is sent to Slack faster than it publishes, and those who wait are served in turn."""

from hypothesis import given
from hypothesis import strategies as st

from bot.slack.published_rates import PER_MINUTE
from bot.slack.rates import Rates

POST, UPDATE = "chat.postMessage", "chat.update"


class Clock:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 3), st.booleans()), max_size=300))
def test_no_order_of_asking_lets_more_through_than_slack_takes(asked) -> None:
    clock = Clock()
    rates = Rates(clock)

    sent: dict[str, list[float]] = {POST: [], UPDATE: []}
    for who, pause, later in asked:
        for method, at in sent.items():
            if rates.wait(method, "C0ONE", f"{who}", later=later) == 0.0:
                at.append(clock.at)
                rates.answered(method, "C0ONE")
        clock.at += pause / 10

    pairs = zip(sent[POST], sent[POST][1:], strict=False)
    assert all(after - before >= 0.999 for before, after in pairs)
    most = PER_MINUTE[UPDATE]
    windows = zip(sent[UPDATE], sent[UPDATE][most:], strict=False)
    assert all(last - first >= 60 for first, last in windows)


def test_a_channel_takes_a_message_a_second_and_channels_do_not_wait_for_each_other() -> None:
    rates = Rates(Clock())

    waits = [rates.wait(POST, channel, "a") for channel in ("C0ONE", "C0ONE", "C0TWO")]

    assert waits == [0.0, 1.0, 0.0]


def test_whoever_came_first_goes_first_and_what_can_wait_lets_the_others_pass() -> None:
    clock = Clock()
    rates = Rates(clock)
    rates.wait(POST, "C0ONE", "sent")
    rates.answered(POST, "C0ONE")

    waits = [
        rates.wait(POST, "C0ONE", "reply", later=True),
        rates.wait(POST, "C0ONE", "card 1"),
        rates.wait(POST, "C0ONE", "card 2"),
    ]
    clock.at += 1
    at_its_turn = [rates.wait(POST, "C0ONE", who) for who in ("reply", "card 2", "card 1")]

    assert waits == [1.0, 1.0, 2.0]
    assert at_its_turn == [2.0, 1.0, 0.0]


def test_a_place_that_nobody_comes_back_for_is_given_away() -> None:
    clock = Clock()
    rates = Rates(clock)
    rates.wait(POST, "C0ONE", "sent")
    rates.answered(POST, "C0ONE")
    rates.wait(POST, "C0ONE", "gone")

    clock.at += 5

    assert rates.wait(POST, "C0ONE", "here") == 0.0


def test_whoever_leaves_the_line_keeps_nobody_waiting() -> None:
    rates = Rates(Clock())
    waits = [rates.wait(POST, "C0ONE", f"card {number}") for number in range(4)]

    for number in range(1, 4):
        rates.leave(f"card {number}")

    assert waits == [0.0, 1.0, 2.0, 3.0]
    assert rates.wait(POST, "C0ONE", "new") == 1.0


def test_nothing_is_sent_while_slack_asks_to_wait() -> None:
    clock = Clock()
    rates = Rates(clock)

    rates.close(UPDATE, "", 30)
    during = rates.wait(UPDATE, "", "a")
    clock.at += 30

    assert during == 30.0
    assert rates.wait(UPDATE, "", "a") == 0.0


def test_a_channel_waits_for_an_answer_before_it_gets_the_next_message() -> None:
    clock = Clock()
    rates = Rates(clock)
    rates.wait(POST, "C0ONE", "slow")

    clock.at += 4
    unanswered = rates.wait(POST, "C0ONE", "next")
    rates.answered(POST, "C0ONE")
    answered = rates.wait(POST, "C0ONE", "next")

    assert (unanswered, answered) == (1.0, 1.0)


def test_connections_are_opened_once_a_minute_in_the_long_run_and_a_few_times_at_once() -> None:
    clock = Clock()
    rates = Rates(clock)
    opened = []

    for second in range(600):
        clock.at = float(second)
        if rates.wait("apps.connections.open") == 0.0:
            opened.append(second)

    assert opened == [*range(10), *range(60, 600, 60)]


def test_no_connection_is_asked_for_while_slack_asks_to_wait() -> None:
    clock = Clock()
    rates = Rates(clock)

    rates.close("apps.connections.open", "", 90.0)

    assert rates.wait("apps.connections.open") == 90.0
    clock.at += 90.0
    assert rates.wait("apps.connections.open") == 0.0
    assert rates.wait("apps.connections.open") == 60.0
