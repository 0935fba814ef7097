"""A process that rebuilds the projections, and is killed on the way where a test says so."""

import asyncio
import os
import signal
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from open_ledgers import open_ledger  # noqa: E402 (the path is set first)


def main() -> None:
    url, deadly = sys.argv[1:]

    def reach(point: str) -> None:
        if point == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    with open_ledger(url, instance="rebuilds", serving=False, reach=reach) as ledger:
        asyncio.run(ledger.mend("shell:ops"))


if __name__ == "__main__":
    main()
