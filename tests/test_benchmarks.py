"""The benchmark of the gateway runs, and says what must hold; how fast it is says nobody here."""

import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).parent / "benchmarks" / "bench_gateway.py"
SHORT = ("--rounds", "1", "--seconds", "0.2", "--connections", "1", "2")


def test_the_benchmark_prints_its_table_the_bars_and_where_the_time_goes():
    done = subprocess.run(
        [sys.executable, str(BENCHMARK), *SHORT], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "placet, deny" in done.stdout
    extra = next(line for line in done.stdout.splitlines() if line.startswith("extra upstream"))
    assert extra.split()[-2:] == ["0", "met"]
    assert "committed to disk" in done.stdout
