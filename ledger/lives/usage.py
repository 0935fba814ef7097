"""Keeps what calls have taken of limits, folded from what events made of them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import cast

from ledger.events.envelopes import Model
from ledger.events.events import ChargedLimit
from ledger.lives.calls import CallRecord
from ledger.lives.counted_limits import CountedLimit
from policies.deciding.taking import Taken


class UsageBook(Taken):
    """What is taken of every limit: the same for the same events."""

    def follow(self, before: Model | None, after: Model, at: datetime) -> None:
        """Take in what an event at `at` changes: of a call, or of what is counted for a limit."""
        match after:
            case CallRecord():
                self._call(cast("CallRecord | None", before), after)
            case CountedLimit():
                self._count(cast("CountedLimit | None", before), after, at)
            case _:
                pass

    def arrive(self, model: Model) -> None:
        """Take in a call that was read as it is now, whatever it took before."""
        if not isinstance(model, CallRecord):
            return
        if model.charged_at is None:
            self.forget(model.id)
        else:
            self.charge(model.id, model.charges, model.charged_at)

    def _call(self, before: CallRecord | None, after: CallRecord) -> None:
        """Count what a call takes now, and give back what it took before."""
        if before is not None and before.charges == after.charges:
            return
        for charge in before.charges if before is not None else ():
            self.take_back(charge.bucket, after.id)
        if after.charged_at is not None:
            self.charge(after.id, after.charges, after.charged_at)

    def charge(self, call: str, charges: Iterable[ChargedLimit], since: datetime) -> None:
        """Count what a call takes from `since` on."""
        for charge in charges:
            until = since + timedelta(milliseconds=charge.within_ms)
            self.take(charge.bucket, call, Decimal(charge.amount), since, until)

    def _count(self, before: CountedLimit | None, after: CountedLimit, since: datetime) -> None:
        """Take in what earlier calls took of a limit that is new, in place of an older count."""
        for name, each in before.named() if before is not None else ():
            self.take_back(each.bucket, name)
        for name, each in after.named():
            if each.until > since:
                self.take(each.bucket, name, Decimal(each.amount), since, each.until)
