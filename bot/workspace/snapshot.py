"""All that a person's page shows, as one JSON object."""

from typing import Any

from bot.workspace.channels import Channel
from bot.workspace.messages import Message, stamp
from bot.workspace.state import Workspace

MESSAGES_SHOWN = 400


def snapshot(workspace: Workspace, user: str, connected: int | None) -> dict[str, Any]:
    """Return the whole state as `user` sees it. Raises SlackError `user_not_found`."""
    me = workspace.people.at(user)
    seen = [channel for channel in workspace.channels.all() if channel.open_to(user)]
    return {
        "me": me.id,
        "app": _app(workspace),
        "connected": connected,
        "people": [_person(workspace, each.id) for each in workspace.people.all()],
        "groups": {
            group: {"handle": workspace.people.handle_of(group), "users": users}
            for group, users in workspace.people.groups().items()
        },
        "channels": [_channel(workspace, channel, user) for channel in seen],
        "messages": {channel.id: _messages(channel) for channel in seen},
        "ephemerals": workspace.ephemerals(user),
        "views": workspace.modals.stack(user),
        "home": workspace.modals.home(user),
    }


def _app(workspace: Workspace) -> dict[str, Any]:
    spec = workspace.spec
    return {
        "name": spec.app_name,
        "user": spec.bot_user_id,
        "team": spec.team_name,
        "team_id": spec.team_id,
        "home": spec.home_tab,
        "commands": [
            {
                "command": each.command,
                "description": each.description,
                "hint": each.usage_hint,
            }
            for each in spec.commands
        ],
    }


def _person(workspace: Workspace, user: str) -> dict[str, Any]:
    each = workspace.people.at(user)
    return {
        "id": each.id,
        "name": each.name,
        "shown": each.display_name or each.name,
        "bot": each.is_bot,
        "deleted": each.deleted,
        "guest": each.is_restricted or each.is_ultra_restricted,
        "stranger": each.is_stranger or workspace.people.team_of(each) != workspace.spec.team_id,
    }


def _channel(workspace: Workspace, channel: Channel, user: str) -> dict[str, Any]:
    others = [member for member in channel.members if member != user]
    return {
        "id": channel.id,
        "name": channel.name,
        "topic": channel.topic,
        "private": channel.is_private,
        "archived": channel.is_archived,
        "direct": channel.is_im,
        "with": (others or [user])[0] if channel.is_im else None,
        "members": channel.members,
        "bot": workspace.spec.bot_user_id in channel.members,
    }


def _messages(channel: Channel) -> list[Message]:
    ordered = sorted(channel.timeline.messages.values(), key=stamp)
    return [channel.timeline.shown(message) for message in ordered[-MESSAGES_SHOWN:]]
