"""Says on the card of an open approval that what it is about is frozen."""

import hashlib
from dataclasses import replace

from bot.drawing.cards import Card
from bot.slack.pieces import blocks_json, context, message_weight
from ledger.ledger import Ledger
from ledger.lives.approvals import OPEN, Approval
from ledger.views.freeze_readings import freezes_in_force
from policies.deciding.freezes import holding

_MOST = 13_150
"""What a card may weigh with the line; Slack refuses messages of some 13,200 characters."""

_SAID = 240


async def frozen_line(ledger: Ledger, approval: Approval) -> str:
    """Return what is frozen about an open approval and by whom, empty where nothing is."""
    if approval.status not in OPEN:
        return ""
    live = [freeze.live() for freeze in await freezes_in_force(ledger)]
    request = approval.request
    found = holding(request.agent, request.server, live, await ledger.now()) if live else ()
    return found[0].told() if found else ""


def with_line(card: Card, line: str, mark: str) -> Card:
    """Return the card with the line under its title; without it where there is no room."""
    if not line:
        return card
    told = f"FROZEN: {line[:_SAID]}. Votes count, but the call runs only once that is lifted."
    blocks = (card.blocks[0], context(told, f"frozen:{mark}"), *card.blocks[1:])
    if message_weight(blocks) > _MOST:
        return card
    json = blocks_json(blocks)
    sha256 = hashlib.sha256(json.encode()).hexdigest()
    return replace(card, blocks=blocks, json=json, sha256=sha256)
