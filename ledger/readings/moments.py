"""Reads the times that people write, and finds them in the ledger."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, select

from ledger.clock import micros
from ledger.storage.tables import EVENT, HEAD
from ledger.unavailable import Altered
from policies.values.refusals import NotUnderstood
from policies.yaml.durations import parse_duration

_AGO = " ago"


def parse_moment(text: str, now: datetime) -> datetime:
    """Return the time in UTC that `text` writes: ISO 8601 with a zone, `2h ago` or `now`.

    Raises NotUnderstood where there is no zone, since the reader's and the server's may differ.
    """
    written = text.strip()
    if written == "now":
        return now
    try:
        if written.endswith(_AGO):
            return now - _duration(written.removesuffix(_AGO).strip())
        moment = datetime.fromisoformat(written)
        if moment.tzinfo is None:
            raise NotUnderstood(
                f"`{text}` has no time zone; write `{moment.isoformat()}Z` for UTC,"
                f" or the offset, such as `{moment.isoformat()}+01:00`"
            )
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise NotUnderstood(
            f"`{text}` is no time; write it like `2026-11-23T12:00:00Z`, or like `2h ago`"
        ) from error


def _duration(text: str) -> timedelta:
    duration = parse_duration(text)
    if duration is None:
        raise ValueError(text)
    return duration


def head(connection: Connection) -> int:
    """Return the position of the last event, 0 where there is none. Raises Altered."""
    position = connection.execute(select(HEAD.c.position)).scalar()
    if not isinstance(position, int):
        raise Altered("the ledger's head was changed: it is no position any more")
    return position


def position_before(connection: Connection, moment: datetime, *, including: bool) -> int:
    """Return the last position before `moment`, or at it where it is included; 0 for none.

    Times never go back along the positions, so a few looks are enough.
    """
    wanted = micros(moment) + int(including)
    low, high = 0, head(connection)
    while low < high:
        middle = (low + high + 1) // 2
        at = connection.execute(
            select(EVENT.c.at).where(EVENT.c.position >= middle).order_by(EVENT.c.position).limit(1)
        ).scalar()
        if at is not None and at < wanted:
            low = middle
        else:
            high = middle - 1
    return low
