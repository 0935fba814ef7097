"""What a list of blocks may be, and what a whole message may hold.

https://docs.slack.dev/reference/block-kit/blocks
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from bot.workspace.block_kit.elements import ACTIONS, INPUTS
from bot.workspace.block_kit.objects import any_text, plain
from bot.workspace.block_kit.rich_text import RICH_TEXT
from bot.workspace.block_kit.shape import (
    Check,
    Problem,
    boolean,
    both,
    by_type,
    items,
    members,
    text,
)

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
MESSAGE_CHARACTERS = 13_200
_BLOCK_ID = {"block_id": text(255)}

_IMAGE_ELEMENT = members({"image_url": text(3000), "alt_text": text(2000)})


def _section_says_something(value: Any, pointer: str) -> Iterator[Problem]:
    if "text" not in value and "fields" not in value:
        yield Problem("must have a text or fields", pointer)


def _distinct_actions(value: Any, pointer: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, element in enumerate(value["elements"]):
        name = element.get("action_id")
        if name in seen:
            yield Problem(f"`action_id` {name} already exists", f"{pointer}/elements/{index}")
        if name is not None:
            seen.add(name)


_SECTION = both(
    members(
        {},
        {
            **_BLOCK_ID,
            "text": any_text(3000),
            "fields": items(any_text(2000), 10),
            "accessory": by_type({**ACTIONS, "image": _IMAGE_ELEMENT}),
            "expand": boolean,
        },
    ),
    _section_says_something,
)
_CONTEXT_KINDS: dict[str, Check] = {
    "plain_text": any_text(3000),
    "mrkdwn": any_text(3000),
    "image": _IMAGE_ELEMENT,
}
_BLOCKS: dict[str, Check] = {
    "header": members({"text": plain(150)}, _BLOCK_ID),
    "section": _SECTION,
    "divider": members({}, _BLOCK_ID),
    "context": members({"elements": items(by_type(_CONTEXT_KINDS), 10)}, _BLOCK_ID),
    "actions": both(
        members({"elements": items(by_type(ACTIONS), 25)}, _BLOCK_ID), _distinct_actions
    ),
    "input": members(
        {"label": plain(2000), "element": by_type(INPUTS)},
        {**_BLOCK_ID, "hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
    ),
    "image": members(
        {"alt_text": text(2000)}, {**_BLOCK_ID, "image_url": text(3000), "title": plain(2000)}
    ),
    "rich_text": RICH_TEXT,
}


def _distinct_block_ids(value: Any, pointer: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, block in enumerate(value):
        name = block.get("block_id")
        if name in seen:
            yield Problem(f"`block_id` {name} already exists", f"{pointer}/{index}/block_id")
        if name is not None:
            seen.add(name)


def blocks(most: int) -> Check:
    """Accept a list of up to `most` blocks with distinct block ids."""
    return both(items(by_type(_BLOCKS), most, 0), _distinct_block_ids)


def problems_of_message(value: Any) -> list[Problem]:
    """Return what is wrong with the blocks of a message."""
    return list(blocks(MESSAGE_BLOCKS)(value, "/blocks"))


def is_too_long(value: Any) -> bool:
    """Tell whether blocks together exceed what one message holds.

    Slack documents no number; messages were seen to fail with `msg_blocks_too_long` from
    about 13,200 characters of JSON.
    """
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(written) > MESSAGE_CHARACTERS


def with_ids(value: list[dict[str, Any]], new_id: Callable[[], str]) -> list[dict[str, Any]]:
    """Return blocks in which each has a `block_id` and each element an `action_id`."""
    return [_named(block, new_id) for block in value]


def _named(block: dict[str, Any], new_id: Callable[[], str]) -> dict[str, Any]:
    named = {**block, "block_id": block.get("block_id") or new_id()}
    if block["type"] == "actions":
        named["elements"] = [_with_action_id(each, new_id) for each in block["elements"]]
    for member in ("accessory", "element"):
        if member in block:
            named[member] = _with_action_id(block[member], new_id)
    return named


def _with_action_id(element: dict[str, Any], new_id: Callable[[], str]) -> dict[str, Any]:
    if element["type"] in {"image", "plain_text", "mrkdwn"}:
        return element
    return {**element, "action_id": element.get("action_id") or new_id()}
