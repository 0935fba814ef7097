"""Finds what was changed beside the sealed events: rows that no walk comes by, and times."""

from collections.abc import Iterator

from sqlalchemy import Connection, select

from ledger.replaying.walking import Flaws
from ledger.storage.tables import CHECKPOINT, EVENT, HEAD


def check_bookkeeping(connection: Connection, last: int, flaws: Flaws) -> None:
    """Note rows before the first position, and times that no event of the history has.

    `last` is the position of the last event, by the head. The time of a
    checkpoint is that of the last event there was when it was signed.
    """
    early = select(EVENT.c.position).where(EVENT.c.position < 1).order_by(EVENT.c.position)
    for position in connection.execute(early).scalars():
        flaws.add(position, "it stands before the first event")
    head = select(HEAD.c.at, EVENT.c.at).where(HEAD.c.position == EVENT.c.position)
    for at, newest in connection.execute(head):
        if at != newest:
            flaws.add(last + 1, "the head says another time than the event before has")
    for size in _odd(connection):
        what = "a checkpoint of no event" if size < 1 else "its checkpoint says another time"
        flaws.add(size, what)


def _odd(connection: Connection) -> Iterator[int]:
    """Yield the sizes of checkpoints that are of no event, or of another time than any has."""
    empty = select(CHECKPOINT.c.size).where(CHECKPOINT.c.size < 1)
    yield from connection.execute(empty).scalars()
    same = CHECKPOINT.c.size == EVENT.c.position
    apart = select(CHECKPOINT.c.size, CHECKPOINT.c.at).where(same, CHECKPOINT.c.at != EVENT.c.at)
    for size, at in list(connection.execute(apart.order_by(CHECKPOINT.c.size))):
        behind = select(EVENT.c.position).where(EVENT.c.position > size, EVENT.c.at == at).limit(1)
        if connection.execute(behind).first() is None:
            yield size
