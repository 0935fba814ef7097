"""The ledger stops deciding when its clocks part."""

import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from acme import NOON, PREPARED, ask, assessed
from open_ledgers import Clock, open_ledger, prepare

from ledger.clock import ClockGuard, micros, moment
from ledger.unavailable import LedgerUnavailable
from policies.rules.decisions import Effect

ROOT = Path(__file__).resolve().parent.parent.parent


def test_microseconds_and_back_are_exact():
    at = NOON + timedelta(microseconds=123_456)

    assert micros(at) == 1_795_435_200_123_456
    assert moment(1_795_435_200_123_456) == at


@pytest.mark.parametrize("seconds", [60, -60, 86_400])
def test_a_jump_of_a_minute_trips_the_guard_for_good(seconds):
    clock = Clock()
    guard = ClockGuard(clock.monotonic)
    assert guard.check(clock.now()) is None

    clock.jump(seconds)
    reason = guard.check(clock.now())
    clock.jump(-seconds)

    assert reason is not None
    assert "the clock jumped" in reason
    assert guard.check(clock.now()) == reason


def test_small_steps_add_up():
    clock = Clock()
    guard = ClockGuard(clock.monotonic)
    guard.check(clock.now())

    clock.jump(40)
    assert guard.check(clock.now()) is None
    clock.jump(40)

    assert guard.check(clock.now()) is not None


def test_time_that_passes_is_no_jump():
    clock = Clock()
    guard = ClockGuard(clock.monotonic)
    guard.check(clock.now())

    clock.advance(1_000_000)

    assert guard.check(clock.now()) is None


def test_the_time_in_which_the_machine_slept_has_passed():
    said = "import time; from ledger.clock import elapsed; print(elapsed() - time.monotonic())"
    elsewhere = ["unshare", "--time", "--boottime", "100000", sys.executable, "-c", said]
    try:
        told = subprocess.run(elsewhere, capture_output=True, text=True, check=True, cwd=ROOT)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs Linux, and the right to give a process another time since boot")

    slept = float(told.stdout) - (time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic())

    assert slept == pytest.approx(100_000, abs=1)


async def test_nothing_is_decided_after_a_jump_until_a_restart(ledger_url):
    clock = Clock()  # the process's own, by which conditions are weighed wherever another counts
    with open_ledger(ledger_url, clock) as ledger:
        await prepare(ledger)
        clock.jump(3600)

        with pytest.raises(LedgerUnavailable, match="the clock jumped 3600 s forward"):
            await ledger.execute(ask(assessment=assessed(Effect.ALLOW)))
        (problem,) = ledger.ready()
        assert problem == (
            "the clock jumped 3600 s forward: nothing is decided and nothing expires"
            " until it is right and Placet is started again"
        )

    with open_ledger(ledger_url, clock) as ledger:
        assert len(await ledger.execute(ask(assessment=assessed(Effect.ALLOW)))) == 1
        assert ledger.ready() == []


async def test_time_stands_still_while_the_clock_is_a_little_behind(sqlite_url):
    clock = Clock()
    with open_ledger(sqlite_url, clock) as ledger:
        await ledger.execute(PREPARED[0])
        clock.jump(-30)

        (seen,) = await ledger.execute(PREPARED[1])

        assert seen.at == NOON


async def test_nothing_is_decided_while_the_clock_is_far_behind_the_history(sqlite_url):
    with open_ledger(sqlite_url, Clock()) as ledger:
        await prepare(ledger)

    late = Clock(NOON - timedelta(hours=1))
    with open_ledger(sqlite_url, late) as ledger:
        with pytest.raises(LedgerUnavailable, match="3600 s behind the ledger's last event"):
            await ledger.execute(ask())
        assert "behind" in ledger.ready()[0]

        late.advance(3600)
        await ledger.execute(ask())
        assert ledger.ready() == []
