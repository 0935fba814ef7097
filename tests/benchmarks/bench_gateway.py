"""Measures calls through Placet against a bare pass-through and against no gateway at all.

Run it by `make bench`. All stand side by side in one run and take turns; each is a process of its
own. Placet decides by 100 rules, and its ledger (SQLite, synchronous FULL) records every decision
and every outcome durably.
"""

import argparse
import asyncio
import gc
import json
import random
import statistics
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from bench_places import Places, counts, places
from load import LEGACY, MODERN, Target, measure

CONNECTIONS = (1, 16, 64)
WARM_UP = 0.5
RUN_IN = 0.3
"""Seconds of each turn before it counts: connections are made then that were closed while others
had their turns; a server keeps an idle one for 5 s, so nobody may count on longer."""

MIB = 1024 * 1024


@dataclass(frozen=True)
class Turn:
    """One target's turn: the seconds of each call, sorted, and the processor's seconds per call.

    `opened` and `messages` are what the server behind saw, per call.
    """

    took: list[float]
    seconds: float
    processor: float
    opened: float
    messages: float

    @property
    def speed(self) -> float:
        """Calls per second."""
        return len(self.took) / self.seconds

    def quantile(self, part: float) -> float:
        """Return the seconds within which this part of the calls was answered."""
        return self.took[int(len(self.took) * part)]


Rounds = dict[str, list[Turn]]


async def turn(
    place: Places, target: Target, connections: int, seconds: float, version: str
) -> Turn:
    """Let one target have its turn."""
    await measure(target, connections, RUN_IN, version)
    before, busy = await counts(place.direct.port), place.busy(target)
    took = sorted(await measure(target, connections, seconds, version))
    after, busier = await counts(place.direct.port), place.busy(target)
    return Turn(
        took,
        seconds,
        (busier - busy) / len(took),
        (after["connections"] - before["connections"]) / len(took),
        (after["messages"] - before["messages"]) / len(took),
    )


async def compare(place: Places, asked: argparse.Namespace) -> dict[int, Rounds]:
    """Let the targets take turns, and return their turns by the number of connections."""
    for target in place.targets:
        await measure(target, 4, WARM_UP, asked.version)
    found: dict[int, Rounds] = {}
    for connections in asked.connections:
        rounds = found[connections] = {target.name: [] for target in place.targets}
        for _ in range(asked.rounds):
            for target in random.sample(place.targets, len(place.targets)):
                took = await turn(place, target, connections, asked.seconds, asked.version)
                rounds[target.name].append(took)
        show(connections, rounds)
    return found


def show(connections: int, rounds: Rounds) -> None:
    """Print the lines for one number of connections, medians over the rounds."""
    for name, turns in rounds.items():
        p50, p99 = (median(1000 * each.quantile(part) for each in turns) for part in (0.5, 0.99))
        speed, busy = median(t.speed for t in turns), median(1e6 * t.processor for t in turns)
        ratio = share(turns, rounds["bare"])
        print(
            f"{name:<14} {connections:>11} {p50:>8.2f} {p99:>8.2f} {speed:>9,.0f} {ratio:>8.2f}"
            f" {busy:>10.0f} {median(t.messages for t in turns):>9.3f}"
            f" {median(t.opened for t in turns):>9.4f}",
            flush=True,
        )


def share(turns: Sequence[Turn], others: Sequence[Turn]) -> float:
    """Return the calls per second of these turns over those of the same rounds of `others`."""
    return median(each.speed / other.speed for each, other in zip(turns, others, strict=True))


def median(values: Iterable[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def verdicts(found: dict[int, Rounds], resident: float) -> None:
    """Print what must hold of Placet, what it came to, and whether it does."""
    print(f"\n{'what must hold':<50} {'limit':>8} {'is':>8}")
    for connections, rounds in found.items():
        direct, bare = rounds["direct"], rounds["bare"]
        allow, deny = rounds["placet, allow"], rounds["placet, deny"]
        if connections == 1:
            added = median(
                (p.quantile(0.5) - d.quantile(0.5)) / (b.quantile(0.5) - d.quantile(0.5))
                for p, b, d in zip(allow, bare, direct, strict=True)
            )
            at_most("added median at 1 connection, of the bare one's", added, 2)
        else:
            at_least(f"calls a second at {connections}, of the bare one's", share(allow, bare), 1)
        if connections == max(found):
            pairs = zip(allow, bare, strict=True)
            slow = median(p.quantile(0.99) / b.quantile(0.99) for p, b in pairs)
            at_most(f"p99 at {connections}, of the bare one's", slow, 1)
        at_least(f"refusals a second at {connections}, of calls", share(deny, allow), 1)
        extra = max(each.messages for each in allow) - 1
        at_most(f"extra upstream messages a call at {connections}", extra, 0.001)
        opened = max(each.opened for each in allow)
        at_most(f"new upstream connections a call at {connections}", opened, 0.01)
    at_most("resident memory after the run, MiB", resident, 120)


def where_it_goes(asked: argparse.Namespace) -> None:
    """Print the stages of a call: by thread, the processor's microseconds of one call.

    Measured in a run of its own: the clocks cost a few microseconds themselves.
    """
    connections = sorted(asked.connections)[len(asked.connections) // 2]
    with tempfile.TemporaryDirectory(prefix="placet-bench-") as folder:
        report = Path(folder) / "report.json"
        with places(report) as place:
            asyncio.run(measure(place.targets[2], connections, asked.seconds, asked.version))
        found = json.loads(report.read_text())
    print(f"\nwhere the time goes, {connections} connections, CPU us of one call")
    for thread, stages in found["stages"].items():
        print(f"{thread:<52} {sum(stages.values()):>9.1f}")
        for stage, microseconds in sorted(stages.items(), key=lambda each: -each[1]):
            print(f"    {stage:<48} {microseconds:>9.1f}")
    shared = found["calls a transaction"]
    print(f"{'calls that share a transaction of the ledger':<52} {shared:>9.1f}")


def at_most(what: str, value: float, limit: float) -> None:
    """Print a value that is good where it is small."""
    print(f"{what:<50} {'≤':>2} {limit:>5g} {value:>8.3g}  {'NOT ' * (value > limit)}met")


def at_least(what: str, value: float, limit: float) -> None:
    """Print a value that is good where it is large."""
    print(f"{what:<50} {'≥':>2} {limit:>5g} {value:>8.3g}  {'NOT ' * (value < limit)}met")


def arguments() -> argparse.Namespace:
    """Return what was asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--connections", type=int, nargs="+", default=CONNECTIONS)
    parser.add_argument("--version", choices=(MODERN, LEGACY), default=MODERN)
    return parser.parse_args()


def main() -> None:
    """Print the table and the verdicts."""
    asked = arguments()
    gc.disable()
    print(f"one tools/call of 64 bytes, {asked.version}, 100 rules, both events durable;")
    print(f"medians of {asked.rounds} rounds of {asked.seconds:g} s; ratio and bars within a round")
    print(
        f"{'':<14} {'connections':>11} {'p50 ms':>8} {'p99 ms':>8} {'calls/s':>9} {'of bare':>8}"
        f" {'cpu us':>10} {'upstream':>9} {'opened':>9}"
    )
    with places() as place:
        found = asyncio.run(compare(place, asked))
        resident = psutil.Process(place.processes["placet, allow"]).memory_info().rss / MIB
    verdicts(found, resident)
    where_it_goes(asked)


if __name__ == "__main__":
    main()
