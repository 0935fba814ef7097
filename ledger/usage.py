"""Keeps what calls have taken of limits, as far back as each limit looks."""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from ledger.calls import CallRecord
from policies.amounts import NOTHING, added, taken

_SWEEP_EVERY = 4096
"""Charges after which buckets that nobody asks for are looked through."""


@dataclass(frozen=True, slots=True)
class _Entry:
    until: datetime
    amount: Decimal


@dataclass(slots=True)
class _Bucket:
    """What is counted together, oldest first, and its sum."""

    total: Decimal = NOTHING
    entries: OrderedDict[str, _Entry] = field(default_factory=OrderedDict)

    def drop_until(self, at: datetime) -> None:
        """Let go of what no longer counts at `at`."""
        while self.entries:
            name, oldest = next(iter(self.entries.items()))
            if oldest.until > at:
                return
            self.take_back(name)

    def take_back(self, name: str) -> None:
        """Let go of one entry, if it is there."""
        entry = self.entries.pop(name, None)
        if entry is not None:
            self.total = taken(self.total, entry.amount)


class UsageBook:
    """What is taken of every limit, folded from calls: the same for the same events.

    A look costs what has run out since the last one, never the whole window.
    Memory grows with the calls that still count for a limit.
    """

    def __init__(self) -> None:
        """Begin with nothing taken."""
        self._buckets: dict[str, _Bucket] = {}
        self._since_sweep = 0

    def used(self, bucket: str, at: datetime) -> Decimal:
        """Return what is counted in `bucket` at `at` (UTC), which is never earlier than before.

        A call counts for exactly as long as the window of the limit, which the
        name of the bucket stands for.
        """
        known = self._buckets.get(bucket)
        if known is None:
            return NOTHING
        known.drop_until(at)
        if not known.entries:
            del self._buckets[bucket]
        return known.total

    def glimpse(self, bucket: str) -> Decimal:
        """Return what was counted in `bucket` lately, or more; any thread may ask."""
        known = self._buckets.get(bucket)
        return NOTHING if known is None else known.total

    def follow(self, before: CallRecord | None, after: CallRecord) -> None:
        """Take in what a call takes after an event, and give back what it took before."""
        if before is not None and before.charges == after.charges:
            return
        for charge in before.charges if before is not None else ():
            if charge.bucket in self._buckets:
                self._buckets[charge.bucket].take_back(after.id)
        if after.charges and after.charged_at is not None:
            self._take(after, after.charged_at)

    def _take(self, call: CallRecord, since: datetime) -> None:
        for charge in call.charges:
            entries = self._buckets.setdefault(charge.bucket, _Bucket())
            if call.id in entries.entries:
                continue
            until = since + timedelta(milliseconds=charge.within_ms)
            amount = Decimal(charge.amount)
            entries.entries[call.id] = _Entry(until, amount)
            entries.total = added(entries.total, amount)
            self._since_sweep += 1
        if self._since_sweep >= _SWEEP_EVERY:
            self._since_sweep = 0
            self._sweep(since)

    def _sweep(self, at: datetime) -> None:
        for name, bucket in list(self._buckets.items()):
            bucket.drop_until(at)
            if not bucket.entries:
                del self._buckets[name]
