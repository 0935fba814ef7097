"""A ledger's database lets every connection go."""

import sqlite3
import subprocess
import sys

from open_ledgers import open_ledger

from ledger.storage.databases import connect

LOOK = """
import sys
import placet
from ledger.storage.databases import connect
connect(sys.argv[1]).close()
print("psycopg" in sys.modules)
"""


def test_a_connection_that_is_in_use_at_the_end_is_closed_when_it_comes_back(postgres_url):
    database = connect(postgres_url)
    connection = database.reading.connect()
    driver = connection.connection.dbapi_connection

    database.close()
    connection.close()

    assert driver.closed


def test_a_connection_that_was_in_use_at_a_rest_is_closed_when_it_comes_back(postgres_url):
    database = connect(postgres_url)
    with database.reading.connect() as connection:
        driver = connection.connection.dbapi_connection
        database.rest()
    with database.reading.connect() as connection:
        later = connection.connection.dbapi_connection

    assert driver.closed
    assert not later.closed
    database.close()


def test_sqlites_log_has_its_full_length_before_the_first_call(sqlite_url, tmp_path):
    with open_ledger(sqlite_url):
        log = tmp_path / "placet.db-wal"

        assert log.stat().st_size > 450 * 4096  # of the 500 pages that it has at most
        with sqlite3.connect(tmp_path / "placet.db") as beside:
            tables = {name for (name,) in beside.execute("SELECT name FROM sqlite_master")}
        assert "room" not in tables


def test_a_disk_without_room_for_the_log_keeps_no_ledger_from_opening(sqlite_url):
    database = connect(sqlite_url)
    with database.settling.connect() as connection:
        driver = connection.connection.driver_connection
        driver.execute("PRAGMA max_page_count = 10")

    database.make_room()

    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE small (a)")
    database.close()


def test_the_driver_for_postgresql_is_loaded_only_for_a_ledger_there(sqlite_url, postgres_url):
    asked = [[sys.executable, "-c", LOOK, url] for url in (sqlite_url, postgres_url)]

    loaded = [subprocess.run(each, capture_output=True, check=True).stdout for each in asked]

    assert loaded == [b"False\n", b"True\n"]
