"""Reads the ledger's address: SQLite's file, or PostgreSQL on one host or several."""

import re
from pathlib import Path
from typing import Any

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from ledger.unavailable import LedgerUnavailable

_HOSTS = re.compile(r"(postgresql(?:\+\w+)?://(?:[^@/?]*@)?)([^/?]*,[^/?]*)(.*)", re.DOTALL)
"""An address of several hosts, as libpq has it: what is before them, they, what follows.

Source: https://www.postgresql.org/docs/current/libpq-connect.html, "Connection URIs"
"""

_HOST = re.compile(r"(?:\[([^]]+)\]|([^:\[\]]+))(?::(\d*))?")


def parsed(url: str) -> tuple[URL, Path | None]:
    """Return the address with the driver that is used, and SQLite's file.

    Raises LedgerUnavailable.
    """
    try:
        address = _of_hosts(url) or make_url(url)
    except (ArgumentError, ValueError) as error:  # the latter of a port that is no number
        raise LedgerUnavailable("the ledger's url is not one; see `ledger.url`") from error
    if address.get_backend_name() == "postgresql":
        return address.set(drivername="postgresql+psycopg"), None
    if address.get_backend_name() != "sqlite":
        raise LedgerUnavailable(f"the ledger keeps no `{address.get_backend_name()}` database")
    if address.database in {None, "", ":memory:"}:
        raise LedgerUnavailable("the ledger needs a file: write `sqlite:///placet.db`")
    path = Path(str(address.database)).resolve()
    return address.set(drivername="sqlite+pysqlite", database=str(path)), path


def sqlite_file(url: str) -> Path | None:
    """Return SQLite's file of the ledger at `url`, None on PostgreSQL. Raises LedgerUnavailable."""
    return parsed(url)[1]


def to_write(url: URL) -> URL:
    """Return PostgreSQL's address so that of several hosts the one is taken that can be written.

    What the address itself says of that counts.
    """
    hosts = url.query.get("host", "")
    several = not isinstance(hosts, str) or "," in hosts
    if not several or "target_session_attrs" in url.query:
        return url
    return url.update_query_dict({"target_session_attrs": "read-write"})


def options(url: URL) -> dict[str, Any]:
    """Return what the driver is told to connect to PostgreSQL at `url`."""
    _, named = url.get_dialect()().create_connect_args(url)
    return dict(named)


def _of_hosts(url: str) -> URL | None:
    """Return an address of several hosts, None where it is another. Raises ValueError."""
    listed = _HOSTS.fullmatch(url)
    if listed is None:
        return None
    before, hosts, after = listed.groups()
    found = [_HOST.fullmatch(host) for host in hosts.split(",")]
    if None in found:
        message = "a host or its port is none"
        raise ValueError(message)
    names = ",".join(each[1] or each[2] for each in found if each)
    ports = ",".join(each[3] or "" for each in found if each)
    return make_url(before + after).update_query_dict({"host": names, "port": ports})
