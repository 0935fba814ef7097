"""A process that settles calls as fast as it can, and prints each one that was acknowledged."""

import asyncio
import itertools
import os
import signal
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from acme import ask, assessed  # noqa: E402 (the path is set first)
from open_ledgers import open_ledger  # noqa: E402 (the same)

from ledger.ledger import Ledger  # noqa: E402 (the same)
from policies.rules.decisions import Effect  # noqa: E402 (the same)


async def load(ledger: Ledger, effect: Effect, tasks: int, calls: int) -> None:
    numbers = itertools.count() if calls == 0 else iter(range(calls))

    async def work() -> None:
        for number in numbers:
            call = f"call_{ledger.instance}-{number:08d}"
            changes = {"digests": (call,)} if effect is Effect.ALLOW else {}
            command = ask(call, assessed(effect), instance=ledger.instance, **changes)
            (decided, *_) = await ledger.execute(command)
            os.write(1, f"{call} {decided.position} {decided.event.effect}\n".encode())

    await asyncio.gather(*(work() for _ in range(tasks)))


def main() -> None:
    url, instance, serving, effect, tasks, calls, deadly = sys.argv[1:]

    def reach(point: str) -> None:
        if point == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    serves = serving == "serving"
    with open_ledger(url, instance=instance, serving=serves, reach=reach) as ledger:
        asyncio.run(load(ledger, Effect(effect), int(tasks), int(calls)))


if __name__ == "__main__":
    main()
