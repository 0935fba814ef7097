"""The pieces that cards, modals and answers are built of: Block Kit without mrkdwn.

Every text passes through `inert` here, whoever supplied it. Source of the
limits: Slack's Block Kit reference.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from bot.slack.fitting import ELEMENT, cut, pieces_of, weight
from policies.values.inert import inert

Block: TypeAlias = dict[str, Any]
"""One Block Kit block, element or object, as JSON."""

_USER_ID = re.compile(r"[UW][A-Z0-9]{2,20}")


def plain(text: str, limit: int) -> Block:
    """Return a plain_text object of at most `limit` characters, on one line."""
    return {"type": "plain_text", "emoji": False, "text": cut(_visible(text), limit).text}


def header(text: str, block_id: str) -> Block:
    """Return a header; Slack allows it 150 characters."""
    return {"type": "header", "block_id": block_id, "text": plain(text, 150)}


def words(text: str, *, bold: bool = False, code: bool = False) -> Block:
    """Return a rich text element that shows `text` as it is, line breaks kept, if it fits one."""
    style = {name: True for name, on in (("bold", bold), ("code", code)) if on}
    element: Block = {
        "type": "text",
        "text": cut(inert(text, multiline=True), ELEMENT).text or "(empty)",
    }
    return element | ({"style": style} if style else {})


def name(text: str, limit: int = 300) -> Block:
    """Return a name in code style on one line, cut to weigh at most `limit`."""
    shown = cut(_visible(text), limit).text
    return {"type": "text", "text": shown, "style": {"code": True}}


def left_out_of(text: str, limit: int = 300) -> int:
    """Return how many characters of a name are not shown by `name`."""
    return cut(_visible(text), limit).hidden


def person(text: str, slack: str | None) -> list[Block]:
    """Return a person: as Slack shows the user `T…/U…`, else by name."""
    user = (slack or "").rpartition("/")[2]
    if _USER_ID.fullmatch(user):
        return [{"type": "user", "user_id": user}]
    return [name(text, 200)]


def moment(at: datetime) -> Block:
    """Return a time that Slack shows in each reader's own zone, with UTC to fall back on."""
    return {
        "type": "date",
        "timestamp": int(at.timestamp()),
        "format": "{date_short_pretty} {time}",
        "fallback": f"{at:%Y-%m-%d %H:%M} UTC",
    }


def lines(rows: Sequence[Sequence[Block]], block_id: str) -> Block:
    """Return a rich text block with one line per row of elements."""
    elements: list[Block] = []
    for row in rows:
        if elements:
            elements.append({"type": "text", "text": "\n"})
        elements.extend(row)
    return {
        "type": "rich_text",
        "block_id": block_id,
        "elements": [{"type": "rich_text_section", "elements": elements}],
    }


def preformatted(text: str, block_id: str) -> Block:
    """Return text that is already inert, in fixed width, in elements of under 3,000 characters."""
    elements = [{"type": "text", "text": piece} for piece in pieces_of(text)]
    return {
        "type": "rich_text",
        "block_id": block_id,
        "elements": [{"type": "rich_text_preformatted", "elements": elements}],
    }


def context(text: str, block_id: str) -> Block:
    """Return a line in small print of at most 600 characters."""
    return {"type": "context", "block_id": block_id, "elements": [plain(text, 600)]}


def button(text: str, action_id: str, value: str, *, style: str | None = None) -> Block:
    """Return a button; `style` is `primary`, `danger` or None."""
    made: Block = {
        "type": "button",
        "action_id": action_id,
        "text": plain(text, 75),
        "value": value,
    }
    return made | ({"style": style} if style else {})


def confirm(title: str, text: str, yes: str) -> Block:
    """Return the dialog that asks again before a button acts."""
    return {
        "title": plain(title, 100),
        "text": plain(text, 300),
        "confirm": plain(yes, 30),
        "deny": {"type": "plain_text", "emoji": False, "text": "Back"},
    }


def notification(text: str) -> str:
    """Return the text beside the blocks, which Slack reads as mrkdwn: `& < >` as entities.

    Source: Slack, "Formatting text for app surfaces", escaping text.
    """
    shown = cut(_visible(text), 600).text
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def blocks_json(blocks: Sequence[Mapping[str, Any]]) -> str:
    """Return the blocks' JSON, the same for the same blocks: what a card's SHA-256 is taken of."""
    return json.dumps(blocks, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def message_weight(blocks: Sequence[Mapping[str, Any]]) -> int:
    """Return what the blocks cost of Slack's limit on a whole message (about 13,200)."""
    text = json.dumps(blocks, ensure_ascii=False)
    return weight(text) - text.count('"') - text.count("\\")


def _visible(text: str) -> str:
    return inert(text) or "(empty)"
