"""The payloads of interactions, in the shapes that Slack sends.

https://docs.slack.dev/reference/interaction-payloads
"""

from typing import Any

from bot.workspace.channels import Channel
from bot.workspace.messages import Message
from bot.workspace.modals import View
from bot.workspace.spec import WorkspaceSpec, WorkspaceUser
from bot.workspace.state import Workspace

VERIFICATION_TOKEN = "local-workspace"  # noqa: S105 - a field of old; it verifies nothing


def person(workspace: Workspace, user: WorkspaceUser) -> dict[str, Any]:
    """Return the `user` member of a payload."""
    team = workspace.people.team_of(user)
    return {"id": user.id, "username": user.name, "name": user.name, "team_id": team}


def block_actions_in_message(
    workspace: Workspace,
    user: WorkspaceUser,
    channel: Channel,
    message: Message,
    action: dict[str, Any],
) -> dict[str, Any]:
    """Return the payload of an action in a message, without trigger and response URL.

    As with Slack, it holds no `message` where only one person sees it.
    """
    ephemeral = bool(message.get("is_ephemeral"))
    container = {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": channel.id,
        "is_ephemeral": ephemeral,
    }
    if "thread_ts" in message:
        container["thread_ts"] = message["thread_ts"]
    shown = {} if ephemeral else {"message": message}
    return {
        **_frame(workspace, user, "block_actions"),
        "container": container,
        "channel": {"id": channel.id, "name": channel_name(channel)},
        **shown,
        "actions": [action],
    }


def block_actions_in_view(
    workspace: Workspace, user: WorkspaceUser, view: View, action: dict[str, Any]
) -> dict[str, Any]:
    """Return the payload of an action in a view, without trigger."""
    return {
        **_frame(workspace, user, "block_actions"),
        "container": {"type": "view", "view_id": view["id"]},
        "view": view,
        "actions": [action],
    }


def view_submission(workspace: Workspace, user: WorkspaceUser, view: View) -> dict[str, Any]:
    """Return the payload of a submitted view, without trigger."""
    return {
        **_frame(workspace, user, "view_submission"),
        "view": view,
        "response_urls": [],
    }


def view_closed(
    workspace: Workspace, user: WorkspaceUser, view: View, *, cleared: bool
) -> dict[str, Any]:
    """Return the payload of a view that the person closed."""
    frame = _frame(workspace, user, "view_closed")
    return {**frame, "view": view, "is_cleared": cleared}


def slash_command(
    workspace: Workspace, user: WorkspaceUser, channel: Channel, command: str, text: str
) -> dict[str, Any]:
    """Return the fields of a slash command, without trigger and response URL.

    https://docs.slack.dev/interactivity/implementing-slash-commands
    """
    spec = workspace.spec
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": spec.team_id,
        "team_domain": spec.team_domain,
        "channel_id": channel.id,
        "channel_name": channel_name(channel),
        "user_id": user.id,
        "user_name": user.name,
        "command": command,
        "text": text,
        "api_app_id": spec.app_id,
        "is_enterprise_install": "false",
    }


def home_opened(
    spec: WorkspaceSpec, user: WorkspaceUser, channel: Channel, view: View | None, ts: str
) -> dict[str, Any]:
    """Return the event of a person who opens the app's home tab.

    https://docs.slack.dev/reference/events/app_home_opened
    """
    event: dict[str, Any] = {
        "type": "app_home_opened",
        "user": user.id,
        "channel": channel.id,
        "tab": "home",
        "event_ts": ts,
    }
    if view is not None:
        event["view"] = view
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": spec.team_id,
        "api_app_id": spec.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": f"Ev{ts.replace('.', '')}",
        "event_time": int(ts.partition(".")[0]),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": spec.team_id,
                "user_id": spec.bot_user_id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
    }


def channel_name(channel: Channel) -> str:
    """Return the name of a conversation in payloads."""
    if channel.is_im:
        return "directmessage"
    return "privategroup" if channel.is_private else channel.name


def _frame(workspace: Workspace, user: WorkspaceUser, kind: str) -> dict[str, Any]:
    spec = workspace.spec
    return {
        "type": kind,
        "user": person(workspace, user),
        "api_app_id": spec.app_id,
        "token": VERIFICATION_TOKEN,
        "team": {"id": spec.team_id, "domain": spec.team_domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }
