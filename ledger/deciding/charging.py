"""What a call that runs takes of limits, as events keep it."""

from datetime import timedelta

from ledger.events.events import ChargedLimit
from policies.conditions.amounts import written_amount
from policies.rules.decisions import Assessment


def charged(assessment: Assessment) -> tuple[ChargedLimit, ...]:
    """Return what a call takes of the limits that speak of it, each bucket once.

    Nothing is kept of what adds 0. What cannot be told adds nothing: it counted
    against the call itself, which runs only because people let it or its server
    only observes.
    """
    if not assessment.charges:
        return ()
    return tuple(
        ChargedLimit(
            limit=charge.limit,
            bucket=charge.bucket,
            amount=written_amount(charge.amount),
            within_ms=charge.within // timedelta(milliseconds=1),
        )
        for charge in {each.bucket: each for each in assessment.charges}.values()
        if charge.amount
    )
