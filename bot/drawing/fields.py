"""The fields of modals that people fill in or choose from. Pure."""

from collections.abc import Collection, Sequence

from bot.slack.pieces import Block, plain

Choice = tuple[str, str]
"""What an option is called and its value; Slack allows 75 and 150 characters."""


def asked(label: str, element: Block, *, optional: bool = False, hint: str = "") -> Block:
    """Return a field of a modal; its block id and action id are the same word."""
    field: Block = {
        "type": "input",
        "block_id": element["action_id"],
        "optional": optional,
        "label": plain(label, 75),
        "element": element,
    }
    return field | ({"hint": plain(hint, 300)} if hint else {})


def writing(
    action_id: str, *, most: int, least: int = 0, initial: str = "", first: bool = False
) -> Block:
    """Return a field of several lines to write in, of `least` to `most` characters."""
    element: Block = {
        "type": "plain_text_input",
        "action_id": action_id,
        "multiline": True,
        "max_length": most,
        "focus_on_load": first,
    }
    return (
        element
        | ({"min_length": least} if least else {})
        | ({"initial_value": initial} if initial else {})
    )


def line(action_id: str) -> Block:
    """Return a field of one line to write in."""
    return {"type": "plain_text_input", "action_id": action_id, "max_length": 200}


def menu(
    action_id: str, choices: Sequence[Choice], *, placeholder: str = "", initial: str | None = None
) -> Block:
    """Return a menu of which one option is chosen."""
    element: Block = {
        "type": "static_select",
        "action_id": action_id,
        "options": [_option(choice) for choice in choices],
    }
    if placeholder:
        element["placeholder"] = plain(placeholder, 150)
    return element | _initially(choices, initial)


def buttons(action_id: str, choices: Sequence[Choice], *, initial: str) -> Block:
    """Return radio buttons, of which one is on; Slack allows ten."""
    element: Block = {
        "type": "radio_buttons",
        "action_id": action_id,
        "options": [_option(choice) for choice in choices],
    }
    return element | _initially(choices, initial)


def boxes(action_id: str, choices: Sequence[Choice], *, ticked: Collection[str]) -> Block:
    """Return boxes of which those with a value in `ticked` are ticked; Slack allows ten."""
    element: Block = {
        "type": "checkboxes",
        "action_id": action_id,
        "options": [_option(choice) for choice in choices],
    }
    initial = [_option(choice) for choice in choices if choice[1] in ticked]
    return element | ({"initial_options": initial} if initial else {})


def _option(choice: Choice) -> Block:
    text, value = choice
    return {"text": plain(text, 75), "value": value}


def _initially(choices: Sequence[Choice], initial: str | None) -> Block:
    found = [choice for choice in choices if choice[1] == initial]
    return {"initial_option": _option(found[0])} if found else {}
