"""Measures what people wait for: a click until the call runs, a command until its answer.

Beside both stand, from the same run, one append to a ledger and one HTTP round trip on loopback:
what a click costs is told in these.
Run it by `make bench`, or `python tests/benchmarks/bench_slack.py`.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from acme import DIRECTORY, PREPARED  # noqa: E402 (the path is set first)
from bench_ledger import allowed_call, now  # noqa: E402 (the same)
from scenarios.stage import BOB, PLATFORM, POLICY, Replica, Stage  # noqa: E402 (the same)

from ledger.ledger import Ledger  # noqa: E402 (the same)

ROUNDS = 30
UNMEASURED = 3


class Patient(Stage):
    """A stage whose agent is held for as long as the courier needs, which posts once a second."""

    def configuration(self, replica: Replica) -> str:
        """Return the placet.yaml of a replica."""
        settings = json.loads(super().configuration(replica))
        settings["agents"]["ci-bot"]["hold"] = "2m"
        return json.dumps(settings, indent=1)


@asynccontextmanager
async def whole(folder: Path) -> AsyncIterator[tuple[Stage, Replica]]:
    """Run Placet in a process of its own; its server and its Slack are in this one."""
    stage = Patient(folder, f"sqlite:///{folder}/placet.db", POLICY, "4s")
    await stage.open()
    try:
        yield stage, await stage.serve()
    finally:
        await stage.close()


async def timed(work: Awaitable[object]) -> float:
    """Return the seconds that `work` takes."""
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def released(stage: Stage, replica: Replica, number: int) -> float:
    """Return the seconds from a click until the held call is answered by its server."""
    path = f"note-{number}.txt"
    call = asyncio.create_task(
        replica.call("write_file", {"path": path, "content": "x"}, number=number)
    )
    card = await stage.card(saying=path)
    began = time.perf_counter()
    click = asyncio.create_task(
        stage.workspace.click(BOB, PLATFORM, card["ts"], "approval.approve")
    )
    result = await call
    took = time.perf_counter() - began
    await click
    assert not result.get("isError"), result
    return took


async def measure(folder: Path) -> dict[str, list[float]]:
    """Return the seconds of each thing, taken in turns."""
    with Ledger.open(f"sqlite:///{folder}/beside.db", now=now, directory=DIRECTORY) as beside:
        for command in PREPARED:
            await beside.execute(command)
        async with whole(folder) as (stage, replica):
            found: dict[str, list[float]] = {}
            for number in range(ROUNDS + UNMEASURED):
                taken = {
                    "HTTP round trip": await timed(_look(stage, replica)),
                    "ledger append": await timed(beside.execute(allowed_call())),
                    "click to release": await released(stage, replica, number),
                    "slash command to answer": await timed(stage.slash(BOB, "pending")),
                }
                for name, seconds in taken.items():
                    if number >= UNMEASURED:
                        found.setdefault(name, []).append(seconds)
            return found


async def _look(stage: Stage, replica: Replica) -> None:
    async with stage.http.get(f"http://{replica.operations}/healthz") as answer:
        await answer.read()


def main() -> None:
    """Measure, and print medians, the 99th percentile and the ratios."""
    with tempfile.TemporaryDirectory(prefix="placet-bench-") as folder:
        found = asyncio.run(measure(Path(folder)))
    medians = {name: statistics.median(each) for name, each in found.items()}
    unit = medians["HTTP round trip"] + medians["ledger append"]
    print(f"\nslack: {ROUNDS} rounds in turns, the local workspace as Slack")
    print(f"{'':24} {'median':>10} {'p99':>10}  of one append and one round trip")
    for name, each in found.items():
        worst = statistics.quantiles(each, n=100)[98]
        told = f"{medians[name] * 1000:8.2f}ms {worst * 1000:8.2f}ms  {medians[name] / unit:6.1f} x"
        print(f"{name:24} {told}")


if __name__ == "__main__":
    main()
