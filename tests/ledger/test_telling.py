"""While more waits, callers hear of a batch at the next commit, and of every batch in any case."""

import asyncio
import threading
from collections.abc import Callable

import pytest
from acme import ask, assessed, completed, use
from open_ledgers import Clock, open_ledger, prepare, until
from sqlalchemy.exc import OperationalError

from ledger.events.envelopes import Command
from ledger.ledger import Ledger
from ledger.unavailable import LedgerUnavailable
from policies.rules.decisions import Effect
from policies.values.refusals import Refused

SQLITE = "sqlite:///{}/placet.db"


class Stage:
    """Stops the writer before the first commit, and calls what the next points are to do."""

    def __init__(self) -> None:
        self.on = False
        self.reached, self.go_on = threading.Event(), threading.Event()
        self.next: dict[str, Callable[[], None]] = {}
        self.commits = 0

    def reach(self, point: str) -> None:
        if not self.on:
            return
        if point == "before-commit":
            self.commits += 1
            if self.commits == 1:
                self.reached.set()
                self.go_on.wait(30)
        if self.commits > 1 and point in self.next:
            self.next[point]()


def allowed(call: str) -> Command:
    return ask(call, assessed(Effect.ALLOW))


async def turns(count: int) -> None:
    """Let the event loop do what it has to do."""
    for _ in range(count):
        await asyncio.sleep(0)


async def two_batches(
    stage: Stage, ledger: Ledger, second: Command
) -> tuple[asyncio.Task[object], asyncio.Task[object]]:
    """Send a command, and another one that waits before the first is committed."""
    await prepare(ledger)
    stage.on = True
    first = asyncio.create_task(ledger.execute(allowed("call_1")))
    await until(stage.reached.is_set)
    other = asyncio.create_task(ledger.execute(second))
    await asyncio.sleep(0)
    return first, other


async def test_a_caller_hears_when_the_next_batch_waits_for_the_disk(tmp_path):
    stage, seen = Stage(), []
    with open_ledger(SQLITE.format(tmp_path), Clock(), reach=stage.reach) as ledger:
        first, second = await two_batches(stage, ledger, allowed("call_2"))
        loop, heard = asyncio.get_running_loop(), threading.Event()
        first.add_done_callback(lambda _: heard.set())

        def not_yet() -> None:
            asyncio.run_coroutine_threadsafe(turns(10), loop).result(30)
            seen.append(heard.is_set())

        stage.next = {
            "before-commit": not_yet,
            "after-commit": lambda: seen.append(heard.wait(30)),
        }
        stage.go_on.set()

        assert [len(await first), len(await second)] == [1, 1]
        assert seen == [False, True]


async def test_a_caller_hears_where_the_next_batch_is_refused(tmp_path):
    stage = Stage()
    with open_ledger(SQLITE.format(tmp_path), Clock(), reach=stage.reach) as ledger:
        first, refused = await two_batches(stage, ledger, use("call_9"))
        stage.go_on.set()

        assert len(await first) == 1
        with pytest.raises(Refused):
            await refused


@pytest.mark.parametrize(
    "fault",
    [OperationalError("COMMIT", {}, OSError("disk full")), SystemExit()],
    ids=["cannot be written", "meets a bug that stops the writer"],
)
async def test_a_caller_hears_where_the_next_batch_fails(tmp_path, fault):
    def fail() -> None:
        raise fault

    stage = Stage()
    with open_ledger(SQLITE.format(tmp_path), Clock(), reach=stage.reach) as ledger:
        first, second = await two_batches(stage, ledger, allowed("call_2"))
        stage.next = {"before-commit": fail}
        stage.go_on.set()

        assert len(await first) == 1
        with pytest.raises(LedgerUnavailable):
            await second
        stage.next = {}


async def test_a_caller_hears_where_nobody_waits_for_the_next_batch(tmp_path):
    stage = Stage()
    with open_ledger(SQLITE.format(tmp_path), Clock(), reach=stage.reach) as ledger:
        first, gone = await two_batches(stage, ledger, allowed("call_2"))
        gone.cancel()
        await asyncio.sleep(0)
        stage.go_on.set()

        assert len(await first) == 1


async def test_callers_hear_in_a_long_row_of_batches(ledger_url):
    with open_ledger(ledger_url, Clock()) as ledger:
        await prepare(ledger)

        async def calls(caller: int) -> int:
            for number in range(20):
                await ledger.execute(allowed(f"call_{caller}_{number}"))
                await ledger.execute(completed(f"call_{caller}_{number}"))
            return caller

        async with asyncio.timeout(60):
            done = await asyncio.gather(*(calls(caller) for caller in range(12)))

        assert done == list(range(12))
        assert len(await ledger.events(after=2, limit=1000)) == 480
