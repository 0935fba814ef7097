"""Runs `placet` with a clock on each stage of a call, and says at its end where the time went.

`python where_it_goes.py REPORT serve …` writes REPORT, JSON: by thread and stage, processor
microseconds a call. What no stage has is the event loop's own work and what joins the stages,
and most of what the clocks themselves take; what they see of themselves is taken off each stage.
Beside them stands how many calls share one of the ledger's transactions.
"""

import atexit
import importlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LOOP, WRITER = "event loop", "ledger's writer"
STAGES = (
    (LOOP, "HTTP read, from both sides", "gateway.callers.fast_lane:FastLane.data_received"),
    (
        LOOP,
        "HTTP read, from both sides",
        "gateway.servers.plain_connection:PlainConnection.buffer_updated",
    ),
    (LOOP, "HTTP sent, to both sides", "gateway.callers.fast_lane:FastLane._sent_at_once"),
    (LOOP, "HTTP sent, to both sides", "gateway.servers.plain_connection:PlainConnection._asked"),
    (LOOP, "message read strictly", "gateway.endpoint:read_message"),
    (LOOP, "headers compared with the message", "gateway.endpoint:era_of"),
    (LOOP, "digest, redaction, rules", "gateway.calls.examining:Examiner.examine"),
    (LOOP, "given to the ledger, heard of it", "ledger.writing.opening:Parts.submit"),
    (LOOP, "given to the ledger, heard of it", "ledger.writing.telling:_tell"),
    (LOOP, "answer read for its outcome, noted", "gateway.calls.dispatching:Dispatcher._conclude"),
    (LOOP, "counted, told the log", "gateway.calls.reporting:Reporter.decided"),
    (LOOP, "head for the server written", "gateway.wire.request_heads:RequestHeads.head"),
    (WRITER, "commands decided, events written as JSON", "ledger.writing.batch:Settler._decided"),
    (WRITER, "rows hashed and inserted", "ledger.writing.batch:Settler._write"),
    (WRITER, "committed to disk", "ledger.storage.statements:SqliteTransaction.__exit__"),
)  # fmt: skip
ROUNDS = 1000
WHOLE = {
    LOOP: "gateway.calls.examining:Examiner.examine",
    WRITER: "ledger.writing.batch:Settler.settle",
}
"""What each thread calls again and again: its time counts from the first call to the last."""

spent: Counter[tuple[str, str]] = Counter()
times: Counter[tuple[str, str]] = Counter()
began: dict[str, float] = {}
lasted: dict[str, float] = {}
calls = transactions = 0


def place(path: str) -> tuple[Any, str]:
    """Return the owner of what `module:name` or `module:class.name` names, and its name."""
    module, _, names = path.partition(":")
    *owners, name = names.split(".")
    found: Any = importlib.import_module(module)
    for owner in owners:
        found = getattr(found, owner)
    return found, name


def clocked(work: Callable[..., Any], note: Callable[[float, float], None]) -> Callable[..., Any]:
    """Return `work`, of which `note` hears the thread's processor time before and after."""

    @wraps(work)
    def run(*args: Any, **kwargs: Any) -> Any:
        before = time.thread_time()
        try:
            return work(*args, **kwargs)
        finally:
            note(before, time.thread_time())

    return run


def clock_stages() -> None:
    """Put the clocks on."""
    for thread, stage, path in STAGES:
        owner, name = place(path)

        def add(before: float, after: float, key: tuple[str, str] = (thread, stage)) -> None:
            spent[key] += after - before
            times[key] += 1

        setattr(owner, name, clocked(getattr(owner, name), add))
    for thread, path in WHOLE.items():
        owner, name = place(path)

        def frame(before: float, after: float, thread: str = thread) -> None:
            global calls, transactions  # noqa: PLW0603 (a script)
            began.setdefault(thread, before)
            lasted[thread] = after - began[thread]
            calls += thread == LOOP
            transactions += thread == WRITER

        setattr(owner, name, clocked(getattr(owner, name), frame))


def own_time() -> float:
    """Return the seconds that a clock sees where there is nothing to see."""
    seen: list[float] = []
    nothing = clocked(lambda: None, lambda before, after: seen.append(after - before))
    for _ in range(ROUNDS):
        nothing()
    return sorted(seen)[ROUNDS // 2]


def report(file: Path) -> None:
    """Write what was found."""
    own = own_time()
    found: dict[str, dict[str, float]] = {LOOP: {}, WRITER: {}}
    for (thread, stage), seconds in spent.items():
        found[thread][stage] = 1e6 * (seconds - times[thread, stage] * own) / calls
    for thread, seconds in lasted.items():
        rest = 1e6 * seconds / calls - sum(found[thread].values())
        found[thread]["all else: tasks, and what joins the stages"] = rest
    file.write_text(json.dumps({"stages": found, "calls a transaction": calls / transactions}))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    clock_stages()
    atexit.register(report, Path(sys.argv[1]))
    sys.exit(importlib.import_module("placet").main(sys.argv[2:]))
