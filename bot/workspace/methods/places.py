"""Finds the channel that a method means, as the bot may see it."""

from bot.workspace.channels import Channel
from bot.workspace.errors import SlackError
from bot.workspace.state import Workspace


def visible(workspace: Workspace, channel: str) -> Channel:
    """Return a channel the bot may see. Raises SlackError `channel_not_found`."""
    return workspace.channels.seen_by(workspace.spec.bot_user_id, channel)


def writable(workspace: Workspace, channel: str) -> Channel:
    """Return a channel the bot may post in; a user's id means the conversation with them.

    Raises SlackError `channel_not_found`, `is_archived`, `not_in_channel`.
    """
    if channel in {user.id for user in workspace.people.all()}:
        return workspace.direct(channel)
    found = visible(workspace, channel)
    if found.is_archived:
        raise SlackError("is_archived")
    if workspace.spec.bot_user_id not in found.members:
        raise SlackError("not_in_channel")
    return found
