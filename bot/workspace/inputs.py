"""What a person enters: elements, their state, and what Slack's client refuses at once."""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.workspace.errors import Impossible

Entered = str | list[str] | None
Values = Mapping[str, Any]
_WRITTEN = {"plain_text_input": "value", "number_input": "value"}
_PICKED = {"users_select": "selected_user", "datepicker": "selected_date"}
_ONE_OF = frozenset({"static_select", "radio_buttons", "overflow"})
_SOME_OF = frozenset({"multi_static_select", "checkboxes"})
STATEFUL = frozenset(_WRITTEN) | frozenset(_PICKED) | (_ONE_OF - {"overflow"}) | _SOME_OF


def elements_of(blocks: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each interactive element with its block."""
    for block in blocks:
        if block["type"] == "actions":
            yield from ((block, element) for element in block["elements"])
        for member in ("accessory", "element"):
            if member in block and block[member]["type"] != "image":
                yield block, block[member]


def find_element(
    blocks: list[dict[str, Any]], action_id: str, block_id: str | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the element with that action id and its block. Raises Impossible."""
    for block, element in elements_of(blocks):
        if element["action_id"] == action_id and block_id in {None, block["block_id"]}:
            return block, element
    raise Impossible(f"there is no `{action_id}` to press")


def value_of(element: dict[str, Any], entered: Entered) -> dict[str, Any]:
    """Return an element's type and value as payloads name it. Raises Impossible."""
    kind = element["type"]
    if kind in _WRITTEN | _PICKED:
        return {"type": kind, (_WRITTEN | _PICKED)[kind]: entered or None}
    if kind in _ONE_OF:
        chosen = _option(element, entered) if isinstance(entered, str) else None
        return {"type": kind, "selected_option": chosen}
    values = entered if isinstance(entered, list) else [entered] if entered else []
    return {"type": kind, "selected_options": [_option(element, value) for value in values]}


def state_of(blocks: list[dict[str, Any]], values: Values) -> dict[str, Any]:
    """Return `{"values": {block id: {action id: value}}}`; what is not given keeps its initial.

    `values` names a value by block id, by action id, or by both, one inside the other.
    """
    state: dict[str, dict[str, Any]] = {}
    for block, element in elements_of(blocks):
        if element["type"] in STATEFUL:
            entered = entered_for(block, element, values)
            state.setdefault(block["block_id"], {})[element["action_id"]] = value_of(
                element, entered
            )
    return {"values": state}


def entered_for(block: dict[str, Any], element: dict[str, Any], values: Values) -> Entered:
    """Return what the person entered for one element, else what it started with."""
    block_id, action_id = block["block_id"], element["action_id"]
    given = values.get(block_id, values.get(action_id, _initial(element)))
    if isinstance(given, Mapping):
        given = given.get(action_id, _initial(element))
    return given  # type: ignore[no-any-return]  # values come from JSON or a test


def refusals(blocks: list[dict[str, Any]], values: Values) -> dict[str, str]:
    """Return by block id why Slack's client would not send these inputs."""
    found = {}
    for block, element in elements_of(blocks):
        if block["type"] == "input":
            wrong = _refusal(block, element, entered_for(block, element, values))
            if wrong:
                found[block["block_id"]] = wrong
    return found


def _initial(element: dict[str, Any]) -> Entered:
    for name in ("initial_value", "initial_user", "initial_date"):
        if name in element:
            return str(element[name])
    if "initial_option" in element:
        return str(element["initial_option"]["value"])
    if "initial_options" in element:
        return [str(option["value"]) for option in element["initial_options"]]
    return None


def _option(element: dict[str, Any], value: str) -> dict[str, Any]:
    for option in element["options"]:
        if option["value"] == value:
            return dict(option)
    raise Impossible(f"`{element['action_id']}` has no option `{value}`")


def _refusal(block: dict[str, Any], element: dict[str, Any], entered: Entered) -> str | None:
    if not entered:
        return None if block.get("optional") else "Please complete this required field."
    if element["type"] == "number_input":
        return _wrong_number(element, str(entered))
    if element["type"] == "plain_text_input":
        if len(entered) < element.get("min_length", 0):
            return f"Please enter at least {element['min_length']} characters."
        if len(entered) > element.get("max_length", 3000):
            return f"Please enter at most {element.get('max_length', 3000)} characters."
    return None


def _wrong_number(element: dict[str, Any], entered: str) -> str | None:
    try:
        number = Decimal(entered)
    except InvalidOperation:
        return "Please enter a number."
    if not element["is_decimal_allowed"] and number != number.to_integral_value():
        return "Please enter a whole number."
    if "min_value" in element and number < Decimal(element["min_value"]):
        return f"Please enter {element['min_value']} or more."
    if "max_value" in element and number > Decimal(element["max_value"]):
        return f"Please enter {element['max_value']} or less."
    return None
