"""Opens the details, turns their pages, and notes each page that a person opened."""

from pydantic import ValidationError

from bot.desk.admission import kept_out
from bot.desk.desk import Desk
from bot.drawing.cards import DETAILS
from bot.drawing.details import Page
from bot.drawing.drawing import paged
from bot.drawing.feedback import sentence
from bot.drawing.modals import Reading, Spot, details_modal
from bot.slack.payloads import Click
from ledger.audit.backgrounds import background
from ledger.lives.approvals import Approval
from ledger.lives.votes import ViewDetails


async def open_details(desk: Desk, click: Click, spot: Spot) -> None:
    """Show the first page; a page counts as read only after Slack has shown it."""
    slack = desk.slack_of(click.teams, click.user.id)
    approval = await desk.ledger.approval(spot.approval)
    if approval is None:
        desk.tell(spot, slack, "There is no such approval.")
        return
    mark = click.action.action_ts or click.trigger_id
    refused = await kept_out(desk, slack, DETAILS, f"details:{slack}:{approval.id}:{mark}")
    if refused:
        desk.tell(spot, slack, f"Nothing was opened. {sentence(refused)}")
        return
    made = await _pages(desk, approval)
    trouble = await desk.open_modal(click.trigger_id, details_modal(approval, made, 1))
    if trouble:
        desk.tell(spot, slack, f"The details could not be opened: {trouble}. Press again.")
        return
    await _note(desk, slack, approval, 1, len(made), mark)


async def turn_page(desk: Desk, click: Click, step: int) -> None:
    """Show the next page (`step` 1) or the previous one (-1) in the modal that is open."""
    reading = _reading(click)
    approval = await desk.ledger.approval(reading.approval) if reading else None
    if click.view is None or reading is None or approval is None:
        return
    made = await _pages(desk, approval)
    page = min(max(reading.page + step, 1), len(made))
    if not await desk.turn_page(click.view, details_modal(approval, made, page)):
        return
    mark = f"{click.view.id}:{click.view.hash}:{page}"
    await _note(desk, desk.slack_of(click.teams, click.user.id), approval, page, len(made), mark)


async def _pages(desk: Desk, approval: Approval) -> list[Page]:
    known = await desk.ledger.look(lambda connection: background(connection, approval.request))
    return await paged(approval, known)


async def _note(
    desk: Desk, slack: str, approval: Approval, page: int, count: int, mark: str
) -> None:
    command = ViewDetails(
        id=f"details:{slack}:{approval.id}:{mark}",
        actor=f"person:{desk.directory.person_at(slack)}",
        approval=approval.id,
        slack=slack,
        page=page,
        pages=count,
    )
    await desk.note_read(command)


def _reading(click: Click) -> Reading | None:
    try:
        return Reading.model_validate_json(click.view.private_metadata if click.view else "")
    except ValidationError:
        return None
