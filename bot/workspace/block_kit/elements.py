"""Interactive elements: buttons, menus, inputs.

https://docs.slack.dev/reference/block-kit/block-elements
"""

from bot.workspace.block_kit.objects import (
    CONFIRM,
    MARKED_OPTION,
    OPTION,
    OPTIONS_AT_MOST,
    OVERFLOW_OPTION,
    plain,
    with_options,
)
from bot.workspace.block_kit.shape import (
    Check,
    boolean,
    choice,
    items,
    members,
    text,
    whole,
)

_ACTION_ID = {"action_id": text(255)}
_FOCUS = {"focus_on_load": boolean}
_PLACEHOLDER = {"placeholder": plain(150)}
_CONFIRM = {"confirm": CONFIRM}

_BUTTON = members(
    {"text": plain(75)},
    {
        **_ACTION_ID,
        **_CONFIRM,
        "value": text(2000, 0),
        "url": text(3000),
        "style": choice("primary", "danger"),
        "accessibility_label": text(75),
    },
)
_OVERFLOW = members({"options": items(OVERFLOW_OPTION, 5)}, _ACTION_ID | _CONFIRM)
_STATIC_SELECT = with_options(
    members(
        {"options": items(OPTION, OPTIONS_AT_MOST)},
        {**_ACTION_ID, **_CONFIRM, **_PLACEHOLDER, **_FOCUS, "initial_option": OPTION},
    )
)
_MULTI_STATIC_SELECT = with_options(
    members(
        {"options": items(OPTION, OPTIONS_AT_MOST)},
        {
            **_ACTION_ID,
            **_CONFIRM,
            **_PLACEHOLDER,
            **_FOCUS,
            "initial_options": items(OPTION, OPTIONS_AT_MOST),
            "max_selected_items": whole(1, 100),
        },
    )
)
_USERS_SELECT = members(
    {}, {**_ACTION_ID, **_CONFIRM, **_PLACEHOLDER, **_FOCUS, "initial_user": text(50)}
)
_RADIO_BUTTONS = with_options(
    members(
        {"options": items(MARKED_OPTION, 10)},
        {**_ACTION_ID, **_CONFIRM, **_FOCUS, "initial_option": MARKED_OPTION},
    )
)
_CHECKBOXES = with_options(
    members(
        {"options": items(MARKED_OPTION, 10)},
        {**_ACTION_ID, **_CONFIRM, **_FOCUS, "initial_options": items(MARKED_OPTION, 10)},
    )
)
_DISPATCH = members(
    {"trigger_actions_on": items(choice("on_enter_pressed", "on_character_entered"), 2)}
)
_PLAIN_TEXT_INPUT = members(
    {},
    {
        **_ACTION_ID,
        **_PLACEHOLDER,
        **_FOCUS,
        "initial_value": text(3000, 0),
        "multiline": boolean,
        "min_length": whole(0, 3000),
        "max_length": whole(1, 3000),
        "dispatch_action_config": _DISPATCH,
    },
)
_NUMBER_INPUT = members(
    {"is_decimal_allowed": boolean},
    {
        **_ACTION_ID,
        **_PLACEHOLDER,
        **_FOCUS,
        "initial_value": text(100),
        "min_value": text(100),
        "max_value": text(100),
        "dispatch_action_config": _DISPATCH,
    },
)
_DATEPICKER = members(
    {}, {**_ACTION_ID, **_CONFIRM, **_PLACEHOLDER, **_FOCUS, "initial_date": text(10)}
)

CHOICES: dict[str, Check] = {
    "static_select": _STATIC_SELECT,
    "multi_static_select": _MULTI_STATIC_SELECT,
    "users_select": _USERS_SELECT,
    "radio_buttons": _RADIO_BUTTONS,
    "checkboxes": _CHECKBOXES,
    "datepicker": _DATEPICKER,
}
ACTIONS: dict[str, Check] = {"button": _BUTTON, "overflow": _OVERFLOW, **CHOICES}
INPUTS: dict[str, Check] = {
    "plain_text_input": _PLAIN_TEXT_INPUT,
    "number_input": _NUMBER_INPUT,
    **CHOICES,
}
