"""What a person is told after a click, in the ledger's words. Pure."""

from collections.abc import Sequence

from bot.drawing.wording import times
from bot.slack.pieces import Block, lines, notification, words
from ledger.events.card_events import VoteCast, VoteRefused
from ledger.events.envelopes import Recorded
from ledger.events.events import ApprovalDenied, ApprovalGiven
from ledger.lives.approvals import Approval, ApprovalStatus


def sentence(message: str) -> str:
    """Return a refusal's message, which has no capital and no stop, as a sentence."""
    return f"{message[:1].upper()}{message[1:]}."


def refusal_of(recorded: Sequence[Recorded]) -> str | None:
    """Return why a vote did not count, None where it did."""
    refused = [one.event.message for one in recorded if isinstance(one.event, VoteRefused)]
    return refused[0] if refused else None


def verdict(recorded: Sequence[Recorded], approval: Approval | None, frozen: str = "") -> str:
    """Return what a click came to, as `approval` stands after it; `frozen` is what stops it."""
    events = [one.event for one in recorded]
    refused = refusal_of(recorded)
    if refused is not None:
        return f"Not counted. {sentence(refused)}"
    if any(isinstance(event, ApprovalDenied) for event in events):
        return "Denied. The agent is told, with your reason."
    given = [event for event in events if isinstance(event, ApprovalGiven)]
    if given:
        runs = f"It runs once, but only when this is lifted: {frozen}." if frozen else ""
        return f"Approved. {runs or 'The call may run once.'}{_granted(given[0])}"
    cast = [event for event in events if isinstance(event, VoteCast)]
    if cast:
        stead = f" for {cast[0].giver}" if cast[0].giver else ""
        return f"Your approval{stead} is recorded. {_missing(approval)}"
    return "Nothing changed."


def ephemeral(text: str) -> tuple[str, list[Block]]:
    """Return text and blocks of a message that only one person sees."""
    return notification(text), [lines([[words(text)]], "told")]


def _granted(given: ApprovalGiven) -> str:
    promise = given.granted
    if promise is None:
        return ""
    which = "with exactly these arguments" if promise.exact else "with any arguments"
    which = f"where {promise.when}" if promise.when else which
    which += f", {times(promise.uses)}," if promise.uses else ""
    return (
        f" Granted: {promise.target} {which} until {promise.until:%Y-%m-%d %H:%M} UTC;"
        f" /placet revoke {promise.grant} ends it."
    )


def _missing(approval: Approval | None) -> str:
    if approval is None:
        return "The card shows what it came to."
    if approval.status is not ApprovalStatus.PENDING:
        return "It was decided in the meantime."
    left = [
        f"{term.approvals - have} more from team {term.team}"
        for term in approval.request.terms
        if (have := len(approval.yes_votes(term.team))) < term.approvals
    ]
    if left:
        return f"It waits for {' and '.join(left)}."
    return (
        "But an earlier yes counts no more, as its voter may not decide now: somebody else has to"
        " approve, too."
    )
