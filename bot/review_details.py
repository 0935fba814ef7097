"""The details of a card about changed tools, page by page. Pure."""

from collections.abc import Iterator, Sequence

from bot.details import Page, laid_out
from bot.pieces import Block, button, lines, plain, words
from bot.review_cards import changed_lines, instructed_lines
from bot.review_facts import Showing
from policies.inert import inert
from policies.strict_json import NotStrict, parse, pretty

NEXT = "tools.next"
PREVIOUS = "tools.previous"
DETAILS_VIEW = "tools.details"


def review_pages(showing: Showing) -> list[Page]:
    """Return the pages: of each tool what changed, and both definitions whole.

    They are the same through the life of a card, whatever becomes of the tools.
    """
    return laid_out(list(_sections(showing)))


def review_modal(review: str, pages: Sequence[Page], page: int) -> Block:
    """Return page `page` (from 1) of the details."""
    told = f"Page {page} of {len(pages)}."
    if page < len(pages):
        told += " A card that is cut can be accepted by those who opened every page."
    steps = [button("Previous", PREVIOUS, review)] if page > 1 else []
    if page < len(pages):
        steps.append(button("Next", NEXT, review, style="primary"))
    blocks = [*pages[page - 1], lines([[words(told)]], "page")]
    if steps:
        blocks.append({"type": "actions", "block_id": f"steps:{page}", "elements": steps})
    return {
        "type": "modal",
        "callback_id": DETAILS_VIEW,
        "title": plain("Changed tools", 24),
        "close": plain("Close", 24),
        "private_metadata": f"{review} {page}",
        "blocks": blocks,
    }


def _sections(showing: Showing) -> Iterator[tuple[str, str]]:
    if showing.instructed is not None:
        yield "Instructions: what changed", instructed_lines(showing.instructed)
        yield "Instructions as they are now", inert(showing.instructed.after, multiline=True)
        yield "Instructions as they were", inert(showing.instructed.before, multiline=True)
    for change in showing.changes:
        tool = change.shown.tool
        if change.before:
            yield f"{tool}: what changed", changed_lines(change)
        yield f"{tool}: as the server defines it now", _whole(change.after)
        if change.before:
            yield f"{tool}: as it was accepted", _whole(change.before)


def _whole(definition: str) -> str:
    try:
        return inert(pretty(parse(definition.encode())), multiline=True)
    except (NotStrict, UnicodeEncodeError):
        return inert(definition, multiline=True)
