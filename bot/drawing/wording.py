"""What became of an approval, in the words that people read."""

from datetime import timedelta

from bot.slack.pieces import Block, moment, name, person, words
from ledger.events.events import GrantedWith
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.lives.known_votes import KnownVote
from policies.checking.suggestions import difference
from policies.people.people import Directory

_HEADINGS = {
    ApprovalStatus.PENDING: "Approval needed",
    ApprovalStatus.APPROVED: "Approved",
    ApprovalStatus.DENIED: "Denied",
    ApprovalStatus.EXPIRED: "Expired",
    ApprovalStatus.CANCELLED: "Cancelled",
    ApprovalStatus.DISPATCHED: "Approved and running",
    ApprovalStatus.COMPLETED: "Completed",
    ApprovalStatus.FAILED: "Failed",
    ApprovalStatus.OUTCOME_UNKNOWN: "Outcome unknown",
    ApprovalStatus.LAPSED: "Approved, but not used in time",
    ApprovalStatus.VOIDED: "Void",
}

_OUTCOMES = {
    "ok": "the call ran and the tool answered",
    "tool-error": "the call ran and the tool reported an error",
    "rpc-error": "the server refused the call with a protocol error",
    "failed": "the server gave no answer that could be used",
}

_DECIDED = frozenset(
    {
        ApprovalStatus.APPROVED,
        ApprovalStatus.DISPATCHED,
        ApprovalStatus.COMPLETED,
        ApprovalStatus.FAILED,
        ApprovalStatus.OUTCOME_UNKNOWN,
        ApprovalStatus.LAPSED,
        ApprovalStatus.VOIDED,
    }
)

Row = list[Block]
"""The elements of one line."""


def heading(approval: Approval) -> str:
    """Return the state of the approval as a title."""
    if approval.status is ApprovalStatus.COMPLETED and approval.outcome != "ok":
        return "Completed with an error"
    return _HEADINGS[approval.status]


def outcome(approval: Approval, directory: Directory) -> list[Row]:
    """Return the lines that say what became of the approval; none while it is pending."""
    rows: list[Row] = []
    if approval.by and approval.status in _DECIDED:
        alone = "Break-glass: approved alone by " if approval.broke_glass else "Approved once by "
        rows.append([words(alone), *people(approval.by, directory), *_at(approval)])
        rows += granted(approval.granted)
    return rows + _ending(approval, directory)


def suggestion(approval: Approval) -> str:
    """Return what a person who said no would rather see, as a difference; nothing if nothing."""
    if not approval.suggested:
        return ""
    return difference(approval.request.arguments, approval.suggested)


def people(names: tuple[str, ...], directory: Directory) -> list[Block]:
    """Return people by name or by `T…/U…`, as Slack shows them, joined by "and"."""
    elements: list[Block] = []
    for place, who in enumerate(names):
        if place:
            elements.append(words(" and "))
        elements.extend(person(who, slack_of(who, directory)))
    return elements


def slack_of(who: str, directory: Directory) -> str | None:
    """Return the Slack id `T…/U…` of a person who may be known by that id only."""
    known = directory.people.get(who)
    if known is not None:
        return known.slack
    return who if "/" in who else None


def ballot(vote: KnownVote, limit: int = 240) -> Row:
    """Return one vote as a line; its reason weighs at most `limit`, 0 leaves it out."""
    row = person(vote.person, vote.slack)
    if vote.giver:
        row = [*row, words(" for "), *person(vote.giver, vote.holder[1])]
    row = [*row, words(" approved" if vote.approves else " denied")]
    if vote.reason and limit:
        row += [words(": "), name(vote.reason, limit)]
    return row


def duration(lasting: timedelta) -> str:
    """Return a length of time as people say it: `45 s`, `30 min`, `8 h`, `1 d 4 h`."""
    seconds = int(lasting.total_seconds())
    parts = [
        f"{amount} {unit}"
        for amount, unit in (
            (seconds // 86_400, "d"),
            (seconds % 86_400 // 3_600, "h"),
            (seconds % 3_600 // 60, "min"),
            (seconds % 60, "s"),
        )
        if amount
    ]
    return " ".join(parts) or "0 s"


def so_many(count: int, one: str, more: str) -> str:
    """Return how many there are as a sentence begins: `One grant is …`, `3 grants are …`."""
    return f"One {one}" if count == 1 else f"{count} {more}"


def times(uses: int | None) -> str:
    """Return how often a grant can be used, in words."""
    if uses is None:
        return "as often as it likes"
    return "once" if uses == 1 else f"{uses} times at most"


def granted(promise: GrantedWith | None) -> list[Row]:
    """Return the line that says what was granted with a yes; none where nothing was."""
    if promise is None:
        return []
    which = "with exactly these arguments" if promise.exact else "with any arguments"
    which = "where its condition holds" if promise.when else which
    row = [words("With it, "), name(promise.grant, 60), words(": the agent may call ")]
    often = f"{times(promise.uses)} " if promise.uses else ""
    row += [name(promise.target, 200), words(f" {which} {often}without asking, until ")]
    when = [[words("Its condition is "), name(promise.when, 600)]] if promise.when else []
    return [[*row, moment(promise.until)], *when]


def _at(approval: Approval) -> Row:
    return [words(", "), moment(approval.decided_at)] if approval.decided_at else []


def _ending(approval: Approval, directory: Directory) -> list[Row]:
    row: Row
    match approval.status:
        case ApprovalStatus.PENDING:
            return []
        case ApprovalStatus.APPROVED:
            row = [words("Waits for the agent's call, "), *_until(approval)]
        case ApprovalStatus.DENIED:
            row = [words("Denied by "), *people(approval.by, directory), *_at(approval)]
            row += _because(approval.reason)
        case ApprovalStatus.EXPIRED:
            row = [words("Nobody decided in time. That is not a denial.")]
        case ApprovalStatus.CANCELLED:
            row = [words("Cancelled before it was decided"), *_because(approval.reason)]
        case ApprovalStatus.LAPSED:
            row = [words("The agent did not repeat the call in time; nothing ran.")]
        case ApprovalStatus.VOIDED:
            row = [words("Void, nothing ran"), *_because(approval.reason)]
        case _:
            row = _run(approval)
    return [row]


def _run(approval: Approval) -> Row:
    if approval.status is ApprovalStatus.DISPATCHED:
        started = [moment(approval.dispatched_at)] if approval.dispatched_at else []
        return [words("The call was let through "), *started]
    if approval.status is ApprovalStatus.OUTCOME_UNKNOWN:
        return [
            words(
                "Nobody can say how the call ended: it may or may not have run. "
                "It is not run again by itself."
            )
        ]
    return [words(run_report(approval)), *_because(approval.error)]


def run_report(approval: Approval) -> str:
    """Return outcome, duration and size of a call that came back, as a sentence without a stop."""
    said = _OUTCOMES.get(approval.outcome or "", f"the call ended: {approval.outcome}")
    report = said[0].upper() + said[1:]
    if approval.duration_ms is not None:
        report += f" after {approval.duration_ms:,} ms"
    return report + (f", {approval.size:,} bytes" if approval.size is not None else "")


def _until(approval: Approval) -> Row:
    return [words("until "), moment(approval.use_until)] if approval.use_until else []


def _because(reason: str | None) -> Row:
    return [words(": "), name(reason, 600)] if reason else []


def fell_away(approval: Approval) -> bool:
    """Tell whether a yes of those that are counted counts no more: its voter may not decide now.

    Every count is reached then, and nothing is approved: votes are looked at again at the last one.
    """
    terms = approval.request.terms
    reached = bool(terms) and all(
        len(approval.yes_votes(term.team)) >= term.approvals for term in terms
    )
    return reached and approval.status is ApprovalStatus.PENDING
