"""The modal that denies several questions of a card with one reason. Pure."""

from collections.abc import Collection, Sequence

from pydantic import BaseModel, ConfigDict, Field

from bot.drawing.denials import why
from bot.drawing.fields import asked, boxes
from bot.drawing.summary_cards import MOST, choices
from bot.slack.pieces import Block, lines, plain, words
from ledger.lives.approvals import Approval

DENY_MANY_VIEW = "summary.deny"
CHOSEN = "chosen"

_TOLD = (
    "Each no is a vote of its own, with this reason: the agent is told it as a person's words"
    " and no instruction."
)


class Spread(BaseModel):
    """The card of several questions that opened a modal, as `private_metadata` carries it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channel: str = Field(max_length=64)
    ts: str = Field(max_length=64)
    members: tuple[str, ...] = Field(max_length=MOST)


def deny_many_modal(
    approvals: Sequence[Approval], spread: Spread, ticked: Collection[str], presets: Sequence[str]
) -> Block:
    """Return the modal for those of a card's questions that wait; `ticked` are ticked at first.

    `approvals` are all of the card, in its order; one at least waits.
    """
    return {
        "type": "modal",
        "callback_id": DENY_MANY_VIEW,
        "title": plain("Deny these calls", 24),
        "submit": plain("Deny", 24),
        "close": plain("Back", 24),
        "private_metadata": spread.model_dump_json(),
        "blocks": [
            lines([[words(_TOLD)]], "what"),
            asked("Calls", boxes(CHOSEN, choices(approvals), ticked=ticked)),
            *why(presets),
        ],
    }
