"""The benchmark of the gateway runs, and says what must hold; how fast it is says nobody here."""

import subprocess
import sys
import time
from pathlib import Path

import psycopg
from maintenance import Table, maintained

POLICY = Path(__file__).parent / "benchmarks" / "bench_policy.py"
BENCHMARK = Path(__file__).parent / "benchmarks" / "bench_gateway.py"
SIMULATION = Path(__file__).parent / "benchmarks" / "bench_simulate.py"
MAINTENANCE = Path(__file__).parent / "benchmarks" / "bench_maintenance.py"
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


def test_the_benchmark_of_decisions_compares_three_engines_that_answer_alike():
    done = subprocess.run(
        [sys.executable, str(POLICY), "--rounds", "1", "--sizes", "10", "40"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "40 rules: cedarpy takes" in done.stdout
    assert "most rules take" in done.stdout


def test_the_benchmark_of_simulations_asks_about_every_call_beside_reading_them():
    done = subprocess.run(
        [sys.executable, str(SIMULATION), "--rounds", "1", "--calls", "300"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("300 calls")
    assert [line.split("  ")[0] for line in done.stdout.splitlines()[1:]] == [
        "read as JSON",
        "simulated",
        "simulated with limits",
    ]
    assert done.stdout.count("times what reading takes") == 2


def test_the_benchmark_of_maintenance_measures_both_recorders():
    short = ("--rounds", "1", "--seconds", "0.3", "--events", "200")
    done = subprocess.run(
        [sys.executable, str(MAINTENANCE), *short], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert [line.rsplit(None, 2)[0].split() for line in done.stdout.splitlines()[3:7]] == [
        ["placet", "quiet"],
        ["placet", "maintained"],
        ["with", "a", "table", "lock", "quiet"],
        ["with", "a", "table", "lock", "maintained"],
    ]
    assert "maintained to a table lock's" in done.stdout


def test_maintenance_goes_on_where_postgresql_ends_it_for_a_recorder_that_locks(postgres_url):
    url = postgres_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as watching, psycopg.connect(url) as recording:
        watching.execute("CREATE TABLE events (at int)")
        recording.execute("SET deadlock_timeout = '1h'")  # so the other is ended, not this
        recording.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        recording.execute("SELECT FROM events")

        with maintained(url, Table("events", "at", locked=True)):
            while not watching.execute(
                "SELECT pid FROM pg_stat_activity WHERE wait_event = 'virtualxid'"
            ).fetchone():
                time.sleep(0.01)
            recording.execute("LOCK TABLE events IN EXCLUSIVE MODE")
            recording.rollback()

        found = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert watching.execute(found).fetchone() == (1,)
