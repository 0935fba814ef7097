"""Measures how fast `placet simulate` asks a candidate policy about the calls of a ledger.

Run it by `make bench`, or `python tests/benchmarks/bench_simulate.py`. No two calls have the same
arguments, and one of ten hides a value; the candidate has rules with and without conditions. Two
figures: with rules alone, and with limits that count calls and add amounts up too. All are
processor time of the whole command; the yardstick reads the same rows as JSON and does no more.
"""

import argparse
import asyncio
import contextlib
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from acme import ask, assessed  # noqa: E402 (the path is set first)
from open_ledgers import open_ledger, prepare  # noqa: E402 (the same)
from shelled import Terminal  # noqa: E402 (the same)
from sqlalchemy import create_engine, select  # noqa: E402 (the same)

from gateway.policy_commands.simulation_commands import register  # noqa: E402 (the same)
from ledger.events.events import CallDecided  # noqa: E402 (the same)
from ledger.storage.tables import EVENT  # noqa: E402 (the same)
from policies.rules.decisions import Effect  # noqa: E402 (the same)

CALLS = 20_000
LEAST = 20_000
"""Calls that must be asked about in a second."""

_AT_ONCE = 500
_HIDDEN = "[hidden]"
_RULES = """\
version: 1
default: deny
rules:
  - {name: big, match: {tool: "write_*"}, when: 'size(args.content) > 220', effect: deny}
  - {name: etc, match: {server: files}, when: 'args.path.startsWith("/etc/")', effect: deny}
  - {name: main, match: {server: files}, when: 'args.branch in ["main", "release"]',
     effect: require_approval}
  - {name: writes, match: {risk: write}, effect: allow}
"""
_LIMITS = """\
limits:
  - {name: calls, match: {server: files}, per: agent, at_most: 15000, within: 24h, effect: deny}
  - {name: money, match: {server: files}, sum: args.amount, at_most: 90000000, within: 24h,
     effect: require_approval}
"""


def policy(*, limits: bool) -> str:
    """Return the candidate: four rules that speak of the calls, and a hundred that do not."""
    others = "".join(
        f'  - {{name: r{n}, match: {{server: s{n % 9}, tool: "tool_{n}*"}}, effect: deny}}\n'
        for n in range(100)
    )
    return _RULES + others + (_LIMITS if limits else "")


def arguments(number: int) -> str:
    """Return arguments such as agents send, different for each number, as they are kept."""
    told: dict[str, object] = {
        "amount": number,
        "branch": ("main", "release", "topic", f"fix-{number}")[number % 4],
        "content": f"line {number} of what is to be written there. " * (1 + number % 6),
        "path": f"/{('etc', 'srv', 'home')[number % 3]}/app/{number}.txt",
        "options": {"dry_run": number % 2 == 0, "labels": ["a", "b", f"c{number % 50}"]},
    }
    if number % 10 == 0:
        told["token"] = _HIDDEN
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


async def filled(url: str, calls: int) -> None:
    """Record so many calls in a new ledger."""
    with open_ledger(url) as ledger:
        await prepare(ledger)
        allowed = assessed(Effect.ALLOW)
        for first in range(0, calls, _AT_ONCE):
            numbers = range(first, min(first + _AT_ONCE, calls))
            commands = (
                ask(
                    f"call_{n}",
                    allowed,
                    arguments=arguments(n),
                    digests=(f"k1:{n:064x}",),
                    hidden=int(n % 10 == 0),
                )
                for n in numbers
            )
            await asyncio.gather(*(ledger.execute(command) for command in commands))


def simulated(url: str, candidate: Path) -> int:
    """Run the command, and return about how many calls it asked."""
    terminal = Terminal(url)
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers().add_parser, terminal.shell())
    options = parser.parse_args(["simulate", "--policy", str(candidate), "--json"])
    with contextlib.redirect_stderr(io.StringIO()):
        code = options.run(options)
    told = terminal.json()
    assert code == 0, terminal.text
    assert told["would_change"] > 0, "the candidate is another policy"
    return int(told["calls"])


def read(url: str) -> int:
    """Read the rows of the same calls, and their arguments, as JSON; return how many."""
    query = select(EVENT.c.state).where(EVENT.c.type == CallDecided.TOPIC)
    engine = create_engine(url)
    with engine.connect() as connection:
        states = connection.execute(query).scalars().all()
    engine.dispose()
    return sum(1 for state in states if json.loads(json.loads(state)["arguments"]))


def rate(run: Callable[[], int], rounds: int) -> float:
    """Return how many calls a second of processor time the best round took."""
    best = 0.0
    for _ in range(rounds):
        began = time.process_time()
        calls = run()
        best = max(best, calls / (time.process_time() - began))
    return best


def main() -> None:
    """Print the figures, and whether what must hold holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many (default: 3)")
    parser.add_argument("--calls", type=int, default=CALLS, help="calls in the ledger")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/it.db"
        asyncio.run(filled(url, options.calls))
        yardstick = rate(lambda: read(url), options.rounds)
        print(f"{options.calls} calls, each a second of processor time")
        print(f"{'read as JSON':<32}{yardstick:>10,.0f}")
        for name, limits in (("simulated", False), ("simulated with limits", True)):
            candidate = Path(folder) / "candidate.yaml"
            candidate.write_text(policy(limits=limits), encoding="utf-8")
            found = rate(lambda: simulated(url, candidate), options.rounds)  # noqa: B023
            told = "met" if found >= LEAST else "missed"
            share = yardstick / found
            print(
                f"{name:<32}{found:>10,.0f}   at least {LEAST:,}: {told}"
                f"   ({share:.1f} times what reading takes)"
            )


if __name__ == "__main__":
    main()
