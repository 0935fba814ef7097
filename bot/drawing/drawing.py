"""Draws cards and details without holding up the event loop over a large call."""

import asyncio

from bot.drawing.cards import Card, card
from bot.drawing.details import Page, pages
from ledger.audit.backgrounds import Background
from ledger.lives.approvals import Approval
from policies.people.people import Directory

_SMALL = 8_000
"""Characters of arguments that are laid out in a few milliseconds."""


async def drawn(approval: Approval, directory: Directory, revision: int) -> Card:
    """Return the card of an approval, drawn in a thread where its arguments are large."""
    if len(approval.request.arguments) <= _SMALL:
        return card(approval, directory, revision=revision)
    return await asyncio.to_thread(card, approval, directory, revision=revision)


async def paged(approval: Approval, background: Background) -> list[Page]:
    """Return the pages of the details, laid out in a thread."""
    return await asyncio.to_thread(pages, approval, background.tool, background)
