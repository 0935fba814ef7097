"""Reads the checkpoints that the ledger keeps, and files in which some are kept elsewhere."""

import re
from collections.abc import Sequence

from sqlalchemy import Connection, select

from ledger.storage.tables import CHECKPOINT, EVENT, SUBTREE

_NOTE = re.compile(r"(?:(?!\N{EM DASH} )[^\n]+\n){3,}\n(?:\N{EM DASH} [^\n]+\n)+")
"""Lines of text, an empty one, lines of signatures (C2SP `signed-note`)."""


def newest(connection: Connection) -> str | None:
    """Return the newest checkpoint, a signed note; None where nothing is sealed."""
    query = select(CHECKPOINT.c.note).order_by(CHECKPOINT.c.size.desc()).limit(1)
    note: str | None = connection.execute(query).scalar()
    return note


def notes_in(text: str) -> list[str]:
    """Return the signed notes of a text, in order; what is none, such as half of one, is not."""
    return _NOTE.findall(text)


def hashes(connection: Connection, level: int, start: int, end: int) -> Sequence[bytes]:
    """Return the nodes `start` to `end - 1` of a level of tiles; level 0 are the leaves."""
    if level == 0:
        position = EVENT.c.position
        leaves = select(EVENT.c.leaf_hash).where(position > start, position <= end)
        return [bytes(each) for each in connection.execute(leaves.order_by(position)).scalars()]
    number = SUBTREE.c.number
    found = select(SUBTREE.c.hash).where(SUBTREE.c.level == level, number >= start, number < end)
    return [bytes(each) for each in connection.execute(found.order_by(number)).scalars()]
