"""Adds up what was taken of limits, as far back as each of them looks."""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from policies.conditions.amounts import NOTHING, added, taken

_SWEEP_EVERY = 4096
"""Entries after which buckets that nobody asks for are looked through."""


class _Entry(NamedTuple):
    until: datetime
    amount: Decimal


@dataclass(slots=True)
class _Bucket:
    """What is counted together, in the order in which it ends, and its sum."""

    total: Decimal = NOTHING
    entries: OrderedDict[str, _Entry] = field(default_factory=OrderedDict)

    def drop_until(self, at: datetime) -> None:
        """Let go of what no longer counts at `at`."""
        while self.entries:
            name, oldest = next(iter(self.entries.items()))
            if oldest.until > at:
                return
            self.take_back(name)

    def take(self, name: str, entry: _Entry) -> None:
        """Count an entry; what ends before those that are there is put in its place."""
        last = next(reversed(self.entries.values()), None)
        self.entries[name] = entry
        self.total = added(self.total, entry.amount)
        if last is not None and entry.until < last.until:
            self.entries = OrderedDict(sorted(self.entries.items(), key=lambda each: each[1].until))

    def take_back(self, name: str) -> None:
        """Let go of one entry, if it is there."""
        entry = self.entries.pop(name, None)
        if entry is not None:
            self.total = taken(self.total, entry.amount)


class Taken:
    """What is taken of every limit, by bucket.

    A look costs what has run out since the last one, never the whole window.
    Memory grows with the entries that still count.
    """

    def __init__(self) -> None:
        """Begin with nothing taken."""
        self._buckets: dict[str, _Bucket] = {}
        self._since_sweep = 0

    def used(self, bucket: str, at: datetime) -> Decimal:
        """Return what is counted in `bucket` at `at` (UTC), which is never earlier than before."""
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

    def take(
        self, bucket: str, name: str, amount: Decimal, since: datetime, until: datetime
    ) -> None:
        """Count `amount` under `name` from `since` to `until`, unless it is there already."""
        known = self._buckets.get(bucket)
        if known is None:
            known = self._buckets[bucket] = _Bucket()
        if name in known.entries:
            return
        known.take(name, _Entry(until, amount))
        self._since_sweep += 1
        if self._since_sweep >= _SWEEP_EVERY:
            self._since_sweep = 0
            self._sweep(since)

    def take_back(self, bucket: str, name: str) -> None:
        """Count no more what was counted under `name`."""
        if bucket in self._buckets:
            self._buckets[bucket].take_back(name)

    def forget(self, name: str) -> None:
        """Count no more what was counted under `name`, in whatever bucket."""
        for bucket in self._buckets.values():
            bucket.take_back(name)

    def _sweep(self, at: datetime) -> None:
        for name, bucket in list(self._buckets.items()):
            bucket.drop_until(at)
            if not bucket.entries:
                del self._buckets[name]
