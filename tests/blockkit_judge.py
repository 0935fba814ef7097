"""What the `blockkit` package says of blocks and views: it builds them, or refuses them."""

from typing import Any

import blockkit

_CLASSES = {
    "modal": blockkit.Modal,
    "home": blockkit.Home,
    "header": blockkit.Header,
    "context": blockkit.Context,
    "divider": blockkit.Divider,
    "section": blockkit.Section,
    "actions": blockkit.Actions,
    "input": blockkit.Input,
    "rich_text": blockkit.RichText,
    "rich_text_section": blockkit.RichTextSection,
    "rich_text_preformatted": blockkit.RichTextPreformatted,
    "text": blockkit.RichTextEl,
    "user": blockkit.RichUserEl,
    "usergroup": blockkit.RichUserGroupEl,
    "channel": blockkit.RichChannelEl,
    "date": blockkit.RichDateEl,
    "link": blockkit.RichLinkEl,
    "button": blockkit.Button,
    "overflow": blockkit.Overflow,
    "plain_text_input": blockkit.PlainTextInput,
    "number_input": blockkit.NumberInput,
    "static_select": blockkit.StaticSelect,
    "multi_static_select": blockkit.MultiStaticSelect,
    "users_select": blockkit.UsersSelect,
    "radio_buttons": blockkit.RadioButtons,
    "checkboxes": blockkit.Checkboxes,
    "datepicker": blockkit.DatePicker,
}


def approved(blocks: Any) -> None:
    """Fail unless the package builds these very blocks. Raises its ComponentValidationError."""
    for block in blocks:
        assert _component(block).build() == block


def approved_view(view: dict[str, Any]) -> None:
    """Fail unless the package builds this very view. Raises its ComponentValidationError.

    Where a view carries nothing, the package writes that as `null`.
    """
    assert _component(view).build() == {"private_metadata": "null"} | view


def _component(value: Any) -> Any:
    match value:
        case {"type": "plain_text" | "mrkdwn"}:
            return blockkit.Text(**value)
        case {"type": str(kind)}:
            return _CLASSES[kind](**_members(value))
        case {"text": _, "value": _}:
            return blockkit.Option(**_members(value))
        case {"title": _, "confirm": _}:
            return blockkit.Confirm(**_members(value))
        case dict():
            return blockkit.RichStyle(**value)
        case list() | tuple():
            return [_component(item) for item in value]
        case _:
            return value


def _members(value: dict[str, Any]) -> dict[str, Any]:
    return {
        name: member if name in {"value", "action_id", "block_id"} else _component(member)
        for name, member in value.items()
        if name != "type"
    }
