"""The dialog that shows a whole card to who comes from the home tab, with a yes under it."""

from bot.drawing.drawing import drawn
from bot.drawing.fields import asked, writing
from bot.drawing.modals import REASON, Spot
from bot.slack.pieces import Block, plain
from ledger.lives.approvals import Approval, ApprovalStatus
from policies.people.people import Directory

LOOK_VIEW = "home.approve"

_MOST = 1_000


async def look_modal(approval: Approval, spot: Spot, directory: Directory) -> Block:
    """Return the dialog: the very blocks of the card at the revision of `spot`, and a reason.

    Where it was decided meanwhile, the card is all there is to see.
    """
    made = await drawn(approval, directory, spot.revision)
    blocks = [block for block in made.blocks if block["type"] != "actions"]
    if approval.status is not ApprovalStatus.PENDING:
        title, close = plain("Decided meanwhile", 24), plain("Close", 24)
        return {"type": "modal", "title": title, "close": close, "blocks": blocks}
    required = approval.request.reason_required
    field = writing(REASON, most=_MOST, least=1 if required else 0)
    return {
        "type": "modal",
        "callback_id": LOOK_VIEW,
        "title": plain("Approve this call", 24),
        "submit": plain("Approve once", 24),
        "close": plain("Back", 24),
        "private_metadata": spot.model_dump_json(),
        "blocks": [*blocks, asked("Reason", field, optional=not required)],
    }
