"""What an acknowledgement does with a submitted modal.

https://docs.slack.dev/surfaces/modals#response_actions
"""

from collections.abc import Mapping
from typing import Any

from bot.workspace.errors import SlackError
from bot.workspace.methods.views import checked_view
from bot.workspace.state import Workspace

TROUBLE = "We had some trouble connecting. Try again?"
NO_ERRORS: Mapping[str, str] = {}


def obey(
    workspace: Workspace, user: str, view_id: str, said: dict[str, Any]
) -> tuple[str | None, Mapping[str, str]]:
    """Do what the app said to a submission; return the error mark and errors by block id."""
    try:
        error, errors = _obey(workspace, user, view_id, said)
    except SlackError as refused:
        return f"{TROUBLE} ({refused.error})", NO_ERRORS
    workspace.show_views(user)
    return error, errors


def _obey(
    workspace: Workspace, user: str, view_id: str, said: dict[str, Any]
) -> tuple[str | None, Mapping[str, str]]:
    modals = workspace.modals
    match said:
        case {"response_action": "errors", "errors": dict(errors)}:
            blocks = {block["block_id"] for block in modals.find(user, view_id)["blocks"]}
            shown = {block: str(text) for block, text in errors.items() if block in blocks}
            return (None, shown) if shown else (TROUBLE, NO_ERRORS)
        case {"response_action": "update", "view": view}:
            modals.update(user, view_id, checked_view(view, "modal"))
        case {"response_action": "push", "view": view}:
            modals.push(user, checked_view(view, "modal"))
        case {"response_action": "clear"}:
            modals.clear(user)
        case {"response_action": _}:
            return TROUBLE, NO_ERRORS
        case _ if any(view["id"] == view_id for view in modals.stack(user)):
            modals.close(user, view_id)
    return None, NO_ERRORS
