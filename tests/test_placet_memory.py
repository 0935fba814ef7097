"""A service takes no memory that it does not need, and gives back what a flood of calls took."""

import asyncio
import ctypes
import gc
import re
import subprocess
import sys
import weakref
from fnmatch import _compile_pattern
from pathlib import Path

import pytest
from gateway_stage import until

import placet
from ledger.lives.owning import compiled
from placet_memory import clear_caches, give_back, sweep, trimmer
from policies.values import digests


class Held:
    """Says how many calls are held, look for look, and notes what is done; the last stays."""

    def __init__(self, *counts: int) -> None:
        self.counts = list(counts)
        self.done: list[str] = []
        self.said = self.at_rest = 0

    def __call__(self) -> int:
        self.said = self.counts.pop(0) if len(self.counts) > 1 else self.counts[0]
        return self.said

    def rest(self) -> None:
        self.done.append("rest")
        self.at_rest = self.said

    def trim(self) -> None:
        self.done.append("trim")


async def given_back(*counts: int) -> Held:
    held = Held(*counts, 0, 0, 0)
    giving = asyncio.create_task(give_back(held, held.rest, held.trim, pause=0.0))

    async def all_looked_at() -> bool:
        return len(held.counts) == 1

    await until(all_looked_at)
    giving.cancel()
    return held


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        pytest.param((0, 99, 0), 0, id="few"),
        pytest.param((1000, 251, 1000, 300), 1, id="not far, then all gone"),
        pytest.param((1000, 250, 99), 1, id="far, then a few"),
        pytest.param((1000, 0, 0, 500, 0), 2, id="twice"),
    ],
)
async def test_memory_is_given_back_each_time_many_held_calls_have_become_few(counts, expected):
    held = await given_back(*counts)

    assert held.done == ["rest", "trim", "rest", "trim"] * expected


async def test_memory_is_not_given_back_while_calls_are_still_being_answered():
    held = await given_back(1000, 250, 90, 40, 40, 40)

    assert held.done == ["rest", "trim", "rest", "trim"]
    assert held.at_rest == 40


def python(program: str) -> str:
    """Run a program in a process of its own, and return what it says."""
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, check=True, text=True
    )
    return done.stdout


class Waste:
    """Holds itself, so that only the collector can let go of it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def waste():
    gc.disable()
    yield weakref.ref(Waste())
    gc.enable()


async def test_old_waste_is_swept_away_as_well(waste):
    made = Waste()
    gc.collect(1)
    gc.collect(1)
    old = weakref.ref(made)
    del made

    sweeping = asyncio.create_task(sweep(pause=0.0))

    async def gone() -> bool:
        return waste() is None and old() is None

    await until(gone)
    sweeping.cancel()


def test_waste_is_collected_before_free_pages_go_back(waste):
    assert waste() is not None

    trimmer()()

    assert waste() is None


def test_what_our_modules_remember_of_calls_is_forgotten_and_nothing_of_others():
    known = digests._around("ci-bot", None, "files", "read_file")
    policy, pattern = compiled("rules: []"), _compile_pattern("*.py")

    clear_caches()

    assert digests._around.cache_info().currsize == 0
    assert digests._around("ci-bot", None, "files", "read_file") == known
    assert compiled("rules: []") is policy
    assert _compile_pattern("*.py") is pattern


def test_every_cache_of_our_modules_is_found_by_its_name():
    root = Path(placet.__file__).parent
    parts = ("bot", "gateway", "ledger", "policies")
    sources = [path for part in parts for path in (root / part).rglob("*.py")]
    made = re.compile(r"lru_cache\(|^@cache$", re.MULTILINE)
    written = sum(len(made.findall(path.read_text())) for path in sources)

    found = python(f"""
import importlib, pkgutil, placet_memory
for part in {parts}:
    for module in pkgutil.walk_packages(importlib.import_module(part).__path__, part + "."):
        importlib.import_module(module.name)
print(len([*placet_memory._caches()]))
""")

    assert int(found) == written > 20


HEAPS = """
import ctypes, threading
from placet_memory import use_one_heap
{first}
libc, started = ctypes.CDLL(None), threading.Barrier(4)
def work():
    kept = [bytes(1000) for _ in range(1000)]
    started.wait()
for each in [threading.Thread(target=work) for _ in range(3)]:
    each.start()
started.wait()
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="the heaps are glibc's")
@pytest.mark.parametrize(("first", "expected"), [("", 4), ("use_one_heap()", 1)])
def test_the_threads_of_a_service_share_one_heap(first, expected):
    assert python(HEAPS.format(first=first)).count("<heap nr=") == expected


def test_a_service_loads_nothing_of_the_other_commands():
    loaded = set(python("import placet, sys; print(*sys.modules)").split())

    assert {"placet_serve", "gateway.application", "ledger.ledger", "bot.bot"} <= loaded
    assert loaded.isdisjoint({"bot.commands", "gateway.commands", "ledger.commands"})
    assert "sqlalchemy.dialects.postgresql" not in loaded
    assert loaded.isdisjoint(
        {"placet_demo", "placet_scan", "ledger.audit.exporting", "policies.trials.trials"}
    )
