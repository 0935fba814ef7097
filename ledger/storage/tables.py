"""The ledger's tables, as statements are built from them; `schema` makes them."""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Table, Text

METADATA = MetaData()

EVENT = Table(
    "ledger_event",
    METADATA,
    Column("position", BigInteger, primary_key=True),
    Column("stream", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("command_id", Text),
    Column("command_ordinal", BigInteger),
    Column("correlation_id", Text, nullable=False),
    Column("causation_id", Text, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("code", LargeBinary),
)
"""The history. `at` is microseconds since 1970 UTC; no row is ever deleted.

A row is changed once at most, when its content is redacted: `state` has then
what its effect needs, `salt` is empty, and `code` is the HMAC that its entry ends with.
"""

HEAD = Table(
    "ledger_head",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""One row: position and time of the last event. Whoever writes events holds its lock."""

TRACKING = Table(
    "ledger_tracking",
    METADATA,
    Column("application", Text, primary_key=True),
    Column("position", BigInteger, nullable=False),
)
"""How far a follower got with another application's notifications."""

CHECKPOINT = Table(
    "ledger_checkpoint",
    METADATA,
    Column("size", BigInteger, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
)
"""The signed roots of the tree: `note` is the checkpoint, `frontier` what the tree goes on from."""

SUBTREE = Table(
    "ledger_subtree",
    METADATA,
    Column("level", BigInteger, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("hash", LargeBinary, nullable=False),
)
"""Roots of full blocks, 256 leaves or 256 roots of the level below: what proofs are made from."""

INSTANCE = Table(
    "ledger_instance",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("started_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)
"""The processes that serve, and when each was last seen alive."""

LEASE = Table(
    "ledger_lease",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
)
"""Roles that one instance at a time may hold."""

TASK = Table(
    "transient_task",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("principal", Text, nullable=False),
    Column("server", Text, nullable=False),
    Column("approval", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("request", LargeBinary),
    Column("result", LargeBinary),
    Column("cancelled", BigInteger, nullable=False),
)
"""Calls that wait as tasks, sealed; no history: a row is gone when its task is over."""

HANDLE = Table(
    "transient_handle",
    METADATA,
    Column("server", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("principal", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
"""Whose the tasks are that servers run by themselves."""

_SEARCHED: Mapping[str, Mapping[str, type[Text | BigInteger]]] = {
    "approval": {
        "status": Text,
        "agent": Text,
        "server": Text,
        "tool": Text,
        "digest": Text,
        "requested_at": BigInteger,
        "deadline": BigInteger,
    },
    "grant": {"status": Text, "agent": Text, "deadline": BigInteger},
    "call": {
        "status": Text,
        "agent": Text,
        "server": Text,
        "tool": Text,
        "instance": Text,
        "approval": Text,
        "decided_at": BigInteger,
        "deadline": BigInteger,
        "charged_until": BigInteger,
    },
    "agent": {"status": Text},
    "tool": {"server": Text, "hash": Text},
    "policy": {"digest": Text},
    "review": {"server": Text},
    "server": {},
    "meter": {},
    "freeze": {"deadline": BigInteger},
    "notice": {"about": Text},
    "glass": {"approval": Text},
    "request": {"deadline": BigInteger},
    "delegation": {"deadline": BigInteger},
}


def _projection(kind: str, searched: Mapping[str, type[Text | BigInteger]]) -> Table:
    return Table(
        f"projected_{kind}",
        METADATA,
        Column("id", Text, primary_key=True),
        Column("open", BigInteger, nullable=False),
        Column("position", BigInteger, nullable=False),
        Column("state", Text, nullable=False),
        *(Column(name, type_) for name, type_ in searched.items()),
    )


PROJECTIONS: Mapping[str, Table] = {
    kind: _projection(kind, searched) for kind, searched in _SEARCHED.items()
}
"""One table per kind of model: `state` is its JSON, `open` is 1 while it must be in memory."""
