"""The lines under a card: what happened to the approval, for those who follow its thread. Pure."""

from collections.abc import Iterator, Sequence

from bot.drawing.cards import result_words
from bot.drawing.patience_lines import more_time, patience_rows
from bot.drawing.wording import Row, fell_away, granted, run_report, suggestion
from bot.slack.fitting import cut
from bot.slack.pieces import Block, lines, name, notification, words
from ledger.events.card_events import VoteCast
from ledger.events.envelopes import Event, Recorded
from ledger.events.events import (
    ApprovalCancelled,
    ApprovalDenied,
    ApprovalDispatched,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalLapsed,
    ApprovalVoided,
    CallCompleted,
    CallContinued,
    OutcomeUnknown,
)
from ledger.events.patience_events import ApprovalReminded
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.lives.delegations import Delegation
from policies.people.people import Directory

_REASON = 300
_SUGGESTED = 2_000


def thread_blocks(
    approval: Approval,
    recorded: Sequence[Recorded],
    channel: str,
    directory: Directory,
    delegations: Sequence[Delegation] = (),
) -> list[Block]:
    """Return the blocks of a reply that tells these events, none if they need no telling.

    `channel` is that of the card, `delegations` are those in force. People are named, not
    mentioned: a line in a thread calls nobody, but for reminders.
    """
    rows = [
        row
        for one in recorded
        for row in (
            *_row(approval, one.event),
            *patience_rows(approval, one.event, channel, directory, delegations),
        )
    ]
    if rows and fell_away(approval) and any(isinstance(one.event, VoteCast) for one in recorded):
        rows.append([words("An earlier yes counts no more: one more approval is needed.")])
    asks = any(isinstance(one.event, ApprovalReminded) for one in recorded)
    more = [more_time(approval)] if asks and approval.status is ApprovalStatus.PENDING else []
    return [lines(rows[-40:], "thread"), *more] if rows else []


def about_block(approval: Approval) -> Block:
    """Return the line that says which question of several a reply is about."""
    request = approval.request
    row = [name(approval.id, 120), words("  "), name(f"{request.server} / {request.tool}", 200)]
    return lines([row], "about")


def thread_text(approval: Approval, blocks: Sequence[Block] = ()) -> str:
    """Return the text of a reply for notifications: the call, and the first line of what is told.

    It mentions nobody; the blocks do that where somebody is called.
    """
    told = "".join(_spoken(blocks[0])).strip().partition("\n")[0] if blocks else ""
    about = f"{approval.request.server} / {approval.request.tool}"
    return notification(f"{about}: {told}" if told else about)


def _spoken(block: Block) -> Iterator[str]:
    for part in block.get("elements", []):
        yield from _spoken(part)
    text = block.get("text")
    if isinstance(text, str):
        yield text
    elif block.get("type") == "date":
        yield str(block.get("fallback", ""))


def _row(approval: Approval, event: Event) -> list[Row]:
    match event:
        case VoteCast():
            verb = " approved" if event.approves else " denied"
            stead = [words(" for "), name(event.giver, 120)] if event.giver else []
            return [[name(event.person, 120), *stead, words(verb), *_because(event.reason)]]
        case ApprovalGiven():
            alone = "Break-glass: approved alone by " if event.broke_glass else "Approved once by "
            row = [words(alone), name(" and ".join(event.by), 300)]
            return [row, *granted(event.granted)]
        case ApprovalDispatched():
            return [[words("The call was let through.")]]
        case CallContinued():
            return [[words("The agent answered what the server asked for; it goes on.")]]
        case CallCompleted():
            row = [words(run_report(approval)), *_because(event.error)]
            return [row, result_words(approval)] if result_words(approval) else [row]
        case OutcomeUnknown():
            return [[words("Nobody can say how the call ended: its outcome is unknown.")]]
        case _:
            return _end(approval, event)


def _end(approval: Approval, event: Event) -> list[Row]:
    match event:
        case ApprovalDenied():
            return [[words("Denied: the call does not run.")], *_instead(approval)]
        case ApprovalExpired():
            return [[words("Expired: nobody decided in time.")]]
        case ApprovalCancelled():
            return [[words("Cancelled"), *_because(event.because)]]
        case ApprovalLapsed():
            return [[words("Approved, but not used in time: nothing ran.")]]
        case ApprovalVoided():
            return [[words("Void, nothing ran"), *_because(event.because)]]
        case _:
            return []


def _instead(approval: Approval) -> list[Row]:
    """Return what the person who said no suggests, as a difference; no rows where nothing."""
    other = suggestion(approval)
    if not other:
        return []
    shown = cut(other, _SUGGESTED).text
    told = words("Suggested instead; the agent may call again so, which the policy checks anew:")
    return [[told], [{"type": "text", "text": shown, "style": {"code": True}}]]


def _because(reason: str | None) -> Row:
    return [words(": "), name(reason, _REASON)] if reason else []
