"""Says in words which policy is in force, and what changed from the one before."""

from collections.abc import Iterable

from ledger.events.standing_events import PolicyActivated, RuleChanged
from ledger.words.phrases import named
from policies.rules.policy_differences import PolicyChange

MOST_KEPT = 50
"""Changes that the event of an activation keeps; the texts have them all."""

_LONGEST = 300
_MOST_TOLD = 10


def changes_kept(changes: Iterable[PolicyChange]) -> tuple[tuple[RuleChanged, ...], int]:
    """Return the first changes as an event keeps them, and how many there are."""
    every = list(changes)
    kept = tuple(
        RuleChanged(
            rule=change.rule[:_LONGEST],
            key=change.key[:_LONGEST],
            before=_short(change.before),
            after=_short(change.after),
        )
        for change in every[:MOST_KEPT]
    )
    return kept, len(every)


def change_words(change: PolicyChange | RuleChanged) -> str:
    """Return one change as a person says it."""
    what = f"rule {named(change.rule)}" if change.rule else named(change.key)
    if change.before is None and (not change.rule or not change.key):
        return f"{what} is new: {change.after}"
    if change.after is None and (not change.rule or not change.key):
        return f"{what} is gone: {change.before}"
    of = f", {change.key}" if change.rule and change.key else ""
    return f"{what}{of}: {change.before or 'nothing'} became {change.after or 'nothing'}"


def activation_words(event: PolicyActivated) -> str:
    """Return that a policy is in force: whose file it is, and what changed."""
    told = f"policy {named(event.digest[:12])} of {named(event.source)} is in force"
    if event.file_owner:
        told += f", from a file that belongs to {named(event.file_owner)}"
    words = [change_words(change) for change in event.changes[:_MOST_TOLD]]
    if event.changed > len(words):
        words.append(f"{event.changed - len(words)} more")
    return f"{told}: {'; '.join(words)}" if words else told


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
