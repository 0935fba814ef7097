"""The ledger's address names a file, or PostgreSQL on one host or several."""

from threading import Event

import pytest

from ledger.storage.addresses import options, parsed, to_write
from ledger.storage.waking import Listener
from ledger.unavailable import LedgerUnavailable

HOSTS = {"host": "one,two", "port": "5432,5433"}


def told(url: str) -> dict[str, object]:
    """Return what the driver is told to write to the ledger at `url`."""
    return options(to_write(parsed(url)[0]))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://placet:s%40cret@one:5432,two:5433/ledger",
        "postgresql://placet:s%40cret@one:5432,two:5433/ledger",
        "postgresql+psycopg://placet:s%40cret@/ledger?host=one:5432&host=two:5433",
        "postgresql+psycopg://placet:s%40cret@/ledger?host=one,two&port=5432,5433",
    ],
)
def test_of_several_hosts_the_one_is_taken_that_can_be_written(url):
    assert told(url) == HOSTS | {
        "dbname": "ledger",
        "user": "placet",
        "password": "s@cret",
        "target_session_attrs": "read-write",
    }


def test_what_the_address_says_of_them_counts():
    asked = told(
        "postgresql://one:5432,two:5433/ledger?target_session_attrs=primary&sslmode=require"
    )

    assert asked == HOSTS | {
        "dbname": "ledger",
        "target_session_attrs": "primary",
        "sslmode": "require",
    }


def test_each_host_has_a_port_of_its_own_or_the_usual_one():
    asked = told("postgresql://[::1]:5433,two/ledger")

    assert (asked["host"], asked["port"]) == ("::1,two", "5433,")


def test_one_host_is_taken_whatever_it_can():
    assert told("postgresql://one/ledger") == {"host": "one", "dbname": "ledger"}


@pytest.mark.parametrize(
    "url",
    ["postgresql://one:54x/ledger", "postgresql://one:54x,two/ledger", "postgresql://,two/ledger"],
)
def test_hosts_and_ports_that_are_none_are_refused(url):
    with pytest.raises(LedgerUnavailable, match="url is not one"):
        parsed(url)


def test_what_wakes_a_process_listens_on_one_of_several_hosts(postgres_url, tmp_path):
    address, _ = parsed(postgres_url)
    several = address.update_query_dict({"host": [str(address.query["host"]), str(tmp_path)]})
    woken = Event()

    listener = Listener(several, woken.set)

    try:
        assert woken.wait(30)
    finally:
        listener.close()
