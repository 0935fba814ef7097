"""The modals: a reason for a yes, the details page by page; what all of them share. Pure."""

from pydantic import BaseModel, ConfigDict

from bot.drawing.details import Page
from bot.drawing.fields import asked, writing
from bot.slack.pieces import Block, button, lines, name, plain, words
from ledger.lives.approvals import Approval

APPROVE_VIEW = "approval.approve"
DETAILS_VIEW = "details"
PREVIOUS = "details.previous"
NEXT = "details.next"
REASON = "reason"

_MOST = 1_000


class Spot(BaseModel):
    """The card that opened a modal; it travels through Slack in `private_metadata`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    approval: str
    channel: str
    ts: str
    revision: int


class Reading(BaseModel):
    """Where a person is in the details; it travels through Slack in `private_metadata`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    approval: str
    page: int


def approve_modal(approval: Approval, spot: Spot) -> Block:
    """Return the modal that asks why the call is right, where a rule wants a reason."""
    told = "A rule asks for a reason with each approval; it is kept in the history."
    field = writing(REASON, most=_MOST, least=1, first=True)
    return {
        "type": "modal",
        "callback_id": APPROVE_VIEW,
        "title": plain("Approve this call", 24),
        "submit": plain("Approve once", 24),
        "close": plain("Back", 24),
        "private_metadata": spot.model_dump_json(),
        "blocks": [subject(approval, told), asked("Reason", field)],
    }


def subject(approval: Approval, told: str) -> Block:
    """Return the lines that open a modal: which call it is about, and what it asks."""
    request = approval.request
    row = [name(request.agent, 200), words(" wants ")]
    row += [name(request.server, 200), words(" / "), name(request.tool, 200)]
    return lines([row, [words(told)]], "what")


def details_modal(approval: Approval, pages: list[Page], page: int) -> Block:
    """Return page `page` (from 1) of the details."""
    last = len(pages)
    told = f"Page {page} of {last}."
    if page < last:
        told += " Only a person who has opened every page up to the last can approve a cut card."
    steps = []
    if page > 1:
        steps.append(button("Previous", PREVIOUS, approval.id))
    if page < last:
        steps.append(button("Next", NEXT, approval.id, style="primary"))
    blocks = [*pages[page - 1], lines([[words(told)]], "page")]
    if steps:
        blocks.append({"type": "actions", "block_id": f"steps:{page}", "elements": steps})
    return {
        "type": "modal",
        "callback_id": DETAILS_VIEW,
        "title": plain(f"Details, page {page} of {last}" if last > 1 else "Details", 24),
        "close": plain("Close", 24),
        "private_metadata": Reading(approval=approval.id, page=page).model_dump_json(),
        "blocks": blocks,
    }
