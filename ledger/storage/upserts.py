"""Makes inserts that can say what becomes of a row that is there already."""

import importlib
from typing import Any

from sqlalchemy import Connection, Table


def upserting(connection: Connection, table: Table) -> Any:
    """Return an insert into `table` with `on_conflict_do_update`, in the words of the database.

    SQLAlchemy has one for each database. Only that of the one in use is loaded,
    and was when the database was opened: PostgreSQL's takes 2 MiB.
    """
    return importlib.import_module(f"sqlalchemy.dialects.{connection.dialect.name}").insert(table)
