"""Several processes on one ledger: nothing is lost, nothing is missed, everything is exact."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from acme import ask, assessed, grant
from open_ledgers import open_ledger, prepare, until

from ledger.lives.approvals import ApprovalStatus
from ledger.lives.calls import CallStatus
from ledger.lives.grants import GrantStatus
from ledger.unavailable import LedgerUnavailable
from policies.rules.decisions import Effect

LOAD = Path(__file__).with_name("load.py")


@contextmanager
def loading(
    url: str,
    instance: str,
    *,
    serving: bool = True,
    effect: Effect = Effect.ALLOW,
    tasks: int = 20,
    calls: int = 0,
    deadly: str = "nowhere",
) -> Iterator[subprocess.Popen[bytes]]:
    words = ("serving" if serving else "beside", effect.value, str(tasks), str(calls), deadly)
    process = subprocess.Popen(
        [sys.executable, str(LOAD), url, instance, *words], stdout=subprocess.PIPE
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def acknowledged(process: subprocess.Popen[bytes], least: int = 0) -> list[tuple[str, int, str]]:
    """Read what a process acknowledged: `least` lines of it, or all until it ends."""
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(least)] if least else [*process.stdout]
    found = [line.decode().split() for line in lines if line.endswith(b"\n")]
    return [(call, int(position), effect) for call, position, effect in found]


async def positions(ledger) -> list[int]:
    found: list[int] = []
    while page := await ledger.events(after=len(found), limit=5000):
        found += [recorded.position for recorded in page]
    return found


async def test_killing_it_under_load_loses_nothing_that_was_acknowledged(ledger_url):
    with open_ledger(ledger_url) as ledger:
        await prepare(ledger)
    known: list[tuple[str, int, str]] = []

    for attempt in range(3):
        with loading(ledger_url, f"victim-{attempt}") as process:
            known += await asyncio.to_thread(acknowledged, process, 300 + 100 * attempt)
            os.kill(process.pid, signal.SIGKILL)
            known += await asyncio.to_thread(acknowledged, process)

    with open_ledger(ledger_url, instance="witness") as ledger:
        found = await positions(ledger)
        assert len(known) >= 1200
        assert found == list(range(1, len(found) + 1))
        for call, position, _ in known[::50]:
            (decided,) = await ledger.events(stream=f"call-{call}", limit=1)
            assert decided.position == position
        assert {position for _, position, _ in known} <= set(found)
        assert await ledger.differences() == []


@pytest.mark.parametrize(("deadly", "recorded"), [("before-commit", 0), ("after-commit", 1)])
async def test_killed_at_the_commit_a_call_is_recorded_whole_or_not_at_all(
    ledger_url, deadly, recorded
):
    with open_ledger(ledger_url) as ledger:
        await prepare(ledger)
    with loading(ledger_url, "victim", tasks=1, deadly=deadly) as process:
        assert await asyncio.to_thread(acknowledged, process) == []

    with open_ledger(ledger_url, instance="next") as ledger:
        call = "call_victim-00000000"
        events = await ledger.events(stream=f"call-{call}")
        again = await ledger.execute(
            ask(call, assessed(Effect.ALLOW), instance="victim", digests=(call,))
        )

        assert sum(each.event.TOPIC == "CallDecided" for each in events) == recorded
        assert [each.event.TOPIC for each in again] == ["CallDecided"]
        assert again[0].position == 3
        assert await ledger.differences() == []


async def test_the_calls_of_a_killed_process_end_unknown_when_sqlite_is_served_again(sqlite_url):
    with open_ledger(sqlite_url) as ledger:
        await prepare(ledger)
    with loading(sqlite_url, "victim", tasks=1) as process:
        ((call, _, _),) = await asyncio.to_thread(acknowledged, process, 1)
        os.kill(process.pid, signal.SIGKILL)

    with open_ledger(sqlite_url, instance="next") as ledger:
        found = await ledger.call(call)

        assert found is not None
        assert found.status is CallStatus.OUTCOME_UNKNOWN
        assert await ledger.differences() == []


async def test_six_writers_leave_no_gap_and_a_reader_at_the_tail_misses_nothing(postgres_url):
    with open_ledger(postgres_url, instance="reader") as ledger:
        await prepare(ledger)
        heard: list[int] = []
        ledger.observe(lambda recorded: heard.extend(each.position for each in recorded))

        with (
            loading(postgres_url, "w1", calls=200) as first,
            loading(postgres_url, "w2", calls=200) as second,
            loading(postgres_url, "w3", calls=200) as third,
            loading(postgres_url, "w4", calls=200) as fourth,
            loading(postgres_url, "w5", calls=200) as fifth,
            loading(postgres_url, "w6", calls=200) as sixth,
        ):
            writers = (first, second, third, fourth, fifth, sixth)
            known = await asyncio.gather(
                *(asyncio.to_thread(acknowledged, writer) for writer in writers)
            )
        await until(lambda: len(heard) >= 1200)

        assert [len(each) for each in known] == [200] * 6
        assert heard == list(range(3, 1203))
        assert await positions(ledger) == list(range(1, 1203))
        assert await ledger.differences() == []


async def test_two_processes_use_a_counted_grant_exactly_as_often_as_it_allows(postgres_url):
    with open_ledger(postgres_url, instance="witness") as ledger:
        await prepare(ledger)
        at = await ledger.now()
        await ledger.execute(grant(at=at, uses=50, lasting=timedelta(hours=1)))

        with (
            loading(postgres_url, "left", effect=Effect.REQUIRE_APPROVAL, calls=100) as left,
            loading(postgres_url, "right", effect=Effect.REQUIRE_APPROVAL, calls=100) as right,
        ):
            known = await asyncio.gather(
                asyncio.to_thread(acknowledged, left), asyncio.to_thread(acknowledged, right)
            )

        effects = [effect for each in known for _, _, effect in each]
        spent = await ledger.grant("grt_1")
        assert (effects.count("allow"), effects.count("require_approval")) == (50, 150)
        assert spent is not None
        assert (spent.used, spent.status) == (50, GrantStatus.EXPIRED)
        assert len(await ledger.approvals(ApprovalStatus.PENDING)) == 1
        assert await ledger.differences() == []


async def test_a_second_service_on_one_sqlite_file_refuses_to_start(sqlite_url):
    mine = rf"another `placet serve` \(process {os.getpid()}\)"

    with open_ledger(sqlite_url), pytest.raises(LedgerUnavailable, match=mine):
        open_ledger(sqlite_url, instance="two")

    with open_ledger(sqlite_url, instance="two") as ledger:
        assert ledger.ready() == []


async def test_commands_work_beside_a_service_on_sqlite(sqlite_url):
    with open_ledger(sqlite_url) as ledger:
        await prepare(ledger)

        with loading(sqlite_url, "beside", serving=False, calls=100) as process:
            mine = [
                await ledger.execute(ask(f"call_{number}", assessed(Effect.ALLOW)))
                for number in range(50)
            ]
            theirs = await asyncio.to_thread(acknowledged, process)

        assert (len(mine), len(theirs)) == (50, 100)
        assert await positions(ledger) == list(range(1, 153))
        assert await ledger.differences() == []
