"""What is due when: growing waits, asked-for waits, and one look for many events."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bot.channels.backlog import FIRST_WAIT, LONGEST_WAIT, Backlog


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


NAMES = st.sampled_from([f"apr_{number}" for number in range(5)])


class LookedThrough(RuleBasedStateMachine):
    """A backlog beside a plain one that looks through all it has each time."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.backlog = Backlog(self.clock)
        self.due: dict[str, float] = {}
        self.busy: set[str] = set()
        self.failures: dict[str, int] = {}

    @rule(seconds=st.sampled_from([0.0, 0.5, 3.0, 60.0]))
    def later(self, seconds: float) -> None:
        self.clock.at += seconds

    @rule(name=NAMES, wait=st.sampled_from([0.0, 1.0, 100.0]), times=st.sampled_from([1, 40]))
    def add(self, name: str, wait: float, times: int) -> None:
        for sooner in range(times):
            at = self.clock.at + wait - sooner / 64
            self.backlog.add(name, at - self.clock.at)
            self.due[name] = min(at, self.due.get(name, at))

    @rule()
    def take(self) -> None:
        ripe = {at for name, at in self.due.items() if name not in self.busy}
        first = min(ripe, default=None)
        taken = self.backlog.take()
        if first is None or first > self.clock.at:
            assert taken is None
            return
        assert taken is not None
        assert taken not in self.busy
        assert self.due.pop(taken) == first
        self.busy.add(taken)

    @rule(name=NAMES)
    def done(self, name: str) -> None:
        self.backlog.done(name)
        self.busy.discard(name)
        self.failures.pop(name, None)

    @rule(name=NAMES, wait=st.sampled_from([None, 0.0, 7.0]))
    def failed(self, name: str, wait: float | None) -> None:
        self.backlog.failed(name, wait)
        failures = self.failures.get(name, 0)
        self.failures[name] = failures + 1
        self.busy.discard(name)
        grown = min(FIRST_WAIT * 2**failures, LONGEST_WAIT)
        self.due[name] = self.clock.at + (grown if wait is None else wait)

    @rule()
    def hurry(self) -> None:
        self.backlog.hurry()
        self.due = dict.fromkeys(self.due, self.clock.at)
        self.failures.clear()

    @rule()
    def clear(self) -> None:
        self.backlog.clear()
        self.due.clear()
        self.failures.clear()

    @invariant()
    def as_many_are_due(self) -> None:
        assert len(self.backlog) == len(self.due)
        assert len(self.backlog._line) <= 80  # five approvals, however often they are added


TestLookedThrough = LookedThrough.TestCase
