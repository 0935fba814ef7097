"""What was taken of limits at a moment of the past, by the events alone."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger.events.events import ApprovalDispatched, CallCompleted, CallDecided, ChargedLimit
from ledger.events.usage_events import UsageCounted
from ledger.lives import counted_limits
from ledger.lives.counted_limits import CountedLimit
from ledger.lives.usage import UsageBook
from ledger.readings.moments import position_before
from ledger.storage.history import History

_TOPICS = (CallDecided.TOPIC, ApprovalDispatched.TOPIC, CallCompleted.TOPIC, UsageCounted.TOPIC)


def usage_before(
    connection: Connection, history: History, position: int, at: datetime, longest: timedelta
) -> UsageBook:
    """Return what was taken of limits before a position, whose event was at `at` (UTC).

    `longest` is the longest window that is asked for.
    """
    book = UsageBook()
    charged: dict[str, tuple[ChargedLimit, ...]] = {}
    meters: dict[str, CountedLimit] = {}
    after = position_before(connection, at - longest, including=False)
    for recorded in history.after(connection, after, topics=_TOPICS, before=position):
        match recorded.event:
            case (CallDecided() | ApprovalDispatched()) as event if event.charges:
                charged[event.call] = event.charges
                book.charge(event.call, event.charges, recorded.at)
            case CallCompleted(sent=False) as event:
                for charge in charged.pop(event.call, ()):
                    book.take_back(charge.bucket, event.call)
            case UsageCounted() as event:
                known = meters.get(event.meter)
                meters[event.meter] = counted_limits.evolve(known, recorded)
                book.follow(known, meters[event.meter], recorded.at)
            case _:
                pass
    return book
