"""Slack's limits, checked without Slack's own models: what their validators let through."""

import unicodedata
from collections.abc import Iterator
from typing import Any

import blockkit_judge
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.slack.pieces import message_weight

KNOWN_BLOCKS = {"header", "rich_text", "context", "actions", "input"}


def objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for member in value.values():
            yield from objects(member)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from objects(item)


def breaches(blocks: Any, *, most_blocks: int = 50) -> list[str]:
    """Return every limit of Slack's that the blocks break, in words."""
    found = []
    if len(blocks) > most_blocks:
        found.append(f"{len(blocks)} blocks")
    ids = [block["block_id"] for block in blocks]
    if len(set(ids)) != len(ids) or any(len(each) > 255 for each in ids):
        found.append(f"block ids {ids}")
    found += [f"block {block['type']}" for block in blocks if block["type"] not in KNOWN_BLOCKS]
    for each in objects(blocks):
        found += _breaches_of(each)
    for block in blocks:
        actions = [each["action_id"] for each in objects(block) if "action_id" in each]
        if len(set(actions)) != len(actions):
            found.append(f"action ids {actions}")
    return found


def _breaches_of(each: dict[str, Any]) -> list[str]:
    """Return the limits that one object breaks; `broken` is checked by its type."""
    text = each.get("text")
    broken = {
        "mrkdwn": lambda: True,
        "markdown": lambda: True,
        "plain_text": lambda: not 1 <= len(text) <= 3000 or each.get("emoji") is not False,
        "text": lambda: not 1 <= _units(text) <= 3000,
        "header": lambda: len(text["text"]) > 150,
        "button": lambda: len(text["text"]) > 75 or len(each["value"]) > 2000,
        "context": lambda: len(each["elements"]) > 10,
        "actions": lambda: len(each["elements"]) > 25,
        "input": lambda: len(each["label"]["text"]) > 2000 or _long(each.get("hint"), 2000),
        "plain_text_input": lambda: (
            _units(each.get("initial_value", "")) > 3000 or not 1 <= each["max_length"] <= 3000
        ),
        "static_select": lambda: _bad_options(each, 100),
        "radio_buttons": lambda: _bad_options(each, 10),
        "checkboxes": lambda: _bad_options(each, 10),
        "overflow": lambda: _bad_options(each, 5),
    }
    kind = each.get("type", "")
    found = [kind] if kind in broken and broken[kind]() else []
    return found + _breaches_of_dialog(each.get("confirm"))


def _breaches_of_dialog(dialog: Any) -> list[str]:
    if not isinstance(dialog, dict) or "title" not in dialog:
        return []
    lengths = {"title": 100, "text": 300, "confirm": 30, "deny": 30}
    return [f"confirm {key}" for key, most in lengths.items() if len(dialog[key]["text"]) > most]


def _bad_options(element: dict[str, Any], most: int) -> bool:
    options = element["options"]
    values = [option["value"] for option in options]
    initial = element.get("initial_option", options[0])
    return (
        not 1 <= len(options) <= most
        or len(set(values)) != len(values)
        or initial not in options
        or _long(element.get("placeholder"), 150)
        or any(_long(option["text"], 75) or len(option["value"]) > 150 for option in options)
    )


def _long(text: dict[str, Any] | None, most: int) -> bool:
    return text is not None and len(text["text"]) > most


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def check_message(blocks: Any) -> None:
    assert breaches(blocks) == []
    assert message_weight(blocks) <= 13_000
    for block in blocks:
        Block.parse(block).validate_json()
    blockkit_judge.approved(blocks)


def check_view(view: dict[str, Any]) -> None:
    assert breaches(view["blocks"], most_blocks=100) == []
    assert len(view["title"]["text"]) <= 24
    assert len(view.get("private_metadata", "")) <= 3000
    for label in ("submit", "close"):
        assert len(view.get(label, {"text": ""})["text"]) <= 24
    View(**view).validate_json()
    blockkit_judge.approved_view(view)


def visible_text(blocks: Any) -> str:
    """Return all text that a reader sees, in order."""
    return "".join(
        each["text"]
        for each in objects(blocks)
        if each.get("type") in {"text", "plain_text"} and isinstance(each.get("text"), str)
    )


def invisible(letter: str) -> bool:
    """Tell whether a reader cannot see a character, but for line feed and space."""
    if letter in "\n ":
        return False
    category = unicodedata.category(letter)
    filler = letter in "\u034f\u3164\u2800\u115f\u1160\uffa0"
    return category in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Zs"} or filler
