"""The details of a card about changed tools, page by page. Pure."""

from collections.abc import Iterator, Sequence

from bot.drawing.details import Page, laid_out
from bot.drawing.review_cards import changed_lines, instructed_lines
from bot.drawing.review_facts import Showing
from bot.slack.fitting import cut
from bot.slack.pieces import Block, button, confirm, lines, plain, words
from policies.values.inert import inert
from policies.values.strict_json import NotStrict, parse, pretty

ACCEPT_ONE = "tools.accept_one"
NEXT = "tools.next"
PREVIOUS = "tools.previous"
DETAILS_VIEW = "tools.details"
TOLD = "told"
"""Stands for the instructions where one thing of a card is named; tools are named by place."""

_IN_A_ROW = 25
_MOST_OFFERED = 100
"""Buttons of one block, and of a page: it has up to 84 other blocks, and Slack allows 100."""


def review_pages(showing: Showing) -> list[Page]:
    """Return the pages: of each tool what changed, and both definitions whole.

    They are the same through the life of a card, whatever becomes of the tools.
    """
    return laid_out(list(_sections(showing)))


def review_modal(showing: Showing, pages: Sequence[Page], page: int, said: str = "") -> Block:
    """Return page `page` (from 1) of the details; `said` is what came of the last press.

    On the last page, each thing that waits can be accepted alone.
    """
    review, last = showing.review, len(pages)
    told = f"Page {page} of {last}."
    if page < last:
        told += " A card that is cut can be accepted by those who opened every page."
    steps = [button("Previous", PREVIOUS, review)] if page > 1 else []
    if page < last:
        steps.append(button("Next", NEXT, review, style="primary"))
    blocks = [*pages[page - 1], lines([[words(told)]], "page")]
    if page == last:
        blocks += _offers(showing, page)
    if said:
        blocks.insert(0, lines([[words(said, bold=True)]], "said"))
    if steps:
        blocks.append({"type": "actions", "block_id": f"steps:{page}", "elements": steps})
    return {
        "type": "modal",
        "callback_id": DETAILS_VIEW,
        "title": plain(f"Tools, page {page} of {last}" if last > 1 else "Changed tools", 24),
        "close": plain("Close", 24),
        "private_metadata": f"{review} {page}",
        "blocks": blocks,
    }


def _offers(showing: Showing, page: int) -> list[Block]:
    """Return buttons that accept one thing each; what is more comes once some are accepted."""
    offers = list(_alone(showing))
    shown = offers[:_MOST_OFFERED]
    rows = [shown[at : at + _IN_A_ROW] for at in range(0, len(shown), _IN_A_ROW)]
    blocks: list[Block] = [
        {"type": "actions", "block_id": f"one:{page}:{place}", "elements": row}
        for place, row in enumerate(rows)
    ]
    more = len(offers) - len(shown)
    text = "Accept one alone:" if not more else f"Accept one alone; {more} more come after these:"
    return [lines([[words(text)]], "alone"), *blocks] if blocks else []


def _alone(showing: Showing) -> Iterator[Block]:
    if showing.instructed is not None and showing.instructed.waits:
        asked = f"What {showing.server} tells models is passed on again."
        yield _offer("Accept the instructions", showing, TOLD, asked)
    for place, change in enumerate(showing.changes):
        if change.waits:
            tool = cut(inert(change.shown.tool), 150).text
            asked = f"Calls to tool {tool} are then decided by the policy again."
            yield _offer(f"Accept tool {tool}", showing, str(place), asked)


def _offer(text: str, showing: Showing, what: str, asked: str) -> Block:
    made = button(text, f"{ACCEPT_ONE}:{what}", f"{showing.review} {what}")
    made["confirm"] = confirm("Accept this alone?", asked, "Accept")
    return made


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
