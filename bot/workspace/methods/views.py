"""The methods `views.*`."""

from typing import Any

from bot.workspace.arguments import Arguments
from bot.workspace.block_kit.views import is_too_large, problems_of_view
from bot.workspace.content import refuse
from bot.workspace.errors import SlackError
from bot.workspace.state import Workspace


def open_view(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Open a modal for the person whose interaction gave the trigger.

    https://docs.slack.dev/reference/methods/views.open
    """
    asked = checked_view(arguments.structure("view", "invalid_arguments"), "modal")
    trigger = workspace.tickets.use_trigger(arguments.text("trigger_id"))
    view = workspace.modals.open(trigger.user, asked)
    workspace.show_views(trigger.user)
    return {"view": view}


def push(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Put a modal on top of the one in which the person acted.

    https://docs.slack.dev/reference/methods/views.push
    """
    asked = checked_view(arguments.structure("view", "invalid_arguments"), "modal")
    trigger = workspace.tickets.use_trigger(arguments.text("trigger_id"))
    if trigger.view is None:
        raise SlackError("not_found")
    workspace.modals.find(trigger.user, trigger.view)
    view = workspace.modals.push(trigger.user, asked)
    workspace.show_views(trigger.user)
    return {"view": view}


def update(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Replace an open view, found by its id or external id.

    https://docs.slack.dev/reference/methods/views.update
    """
    modals = workspace.modals
    external = arguments.maybe("external_id")
    view_id = modals.with_external_id(external) if external else arguments.text("view_id")
    user = modals.owner_of(view_id)
    kind = str(modals.find(user, view_id)["type"])
    asked = checked_view(arguments.structure("view", "invalid_arguments"), kind)
    view = modals.update(user, view_id, asked, arguments.maybe("hash"))
    workspace.show_views(user)
    return {"view": view}


def publish(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Set a person's home tab.

    https://docs.slack.dev/reference/methods/views.publish
    """
    asked = checked_view(arguments.structure("view", "invalid_arguments"), "home")
    user = workspace.people.at(arguments.text("user_id")).id
    view = workspace.modals.publish(user, asked, arguments.maybe("hash"))
    workspace.show_views(user)
    return {"view": view}


def checked_view(asked: Any, kind: str) -> dict[str, Any]:
    """Return a view within the limits. Raises SlackError `invalid_arguments`, `view_too_large`."""
    if is_too_large(asked):
        raise SlackError("view_too_large")
    refuse("invalid_arguments", problems_of_view(asked, kind))
    return dict(asked)
