"""The methods `conversations.*`."""

from typing import Any

from bot.workspace.arguments import Arguments
from bot.workspace.channels import Channel
from bot.workspace.errors import SlackError
from bot.workspace.messages import Message, stamp
from bot.workspace.methods.places import visible
from bot.workspace.state import Workspace

PAGE = 100
PAGE_AT_MOST = 999
_HISTORY = {
    "public_channel": "channels:history",
    "private_channel": "groups:history",
    "im": "im:history",
}


def about(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Return a channel.

    https://docs.slack.dev/reference/methods/conversations.info
    """
    channel = visible(workspace, arguments.channel())
    shown = as_slack(workspace, channel)
    if arguments.flag("include_num_members"):
        shown["num_members"] = len(channel.members)
    return {"channel": shown}


def listing(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Return the channels the bot may see, a page at a time.

    https://docs.slack.dev/reference/methods/conversations.list
    """
    kinds = set((arguments.maybe("types") or "public_channel").split(","))
    bot = workspace.spec.bot_user_id
    seen = [
        channel
        for channel in workspace.channels.all()
        if channel.open_to(bot)
        and kind_of(channel) in kinds
        and not (channel.is_archived and arguments.flag("exclude_archived"))
    ]
    page, following = cut(seen, arguments)
    return {
        "channels": [as_slack(workspace, channel) for channel in page],
        "response_metadata": {"next_cursor": following},
    }


def members(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Return the ids of a channel's members, a page at a time.

    https://docs.slack.dev/reference/methods/conversations.members
    """
    channel = visible(workspace, arguments.channel())
    page, following = cut(channel.members, arguments)
    return {"members": page, "response_metadata": {"next_cursor": following}}


def history(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Return the messages of a channel, newest first, a page at a time.

    https://docs.slack.dev/reference/methods/conversations.history
    """
    channel = _readable(workspace, arguments)
    found = [m for m in channel.timeline.top_level() if _within(m, arguments)]
    return _messages(found, arguments)


def replies(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Return a message and its replies, oldest first, a page at a time.

    https://docs.slack.dev/reference/methods/conversations.replies
    """
    channel = _readable(workspace, arguments)
    thread = channel.timeline.thread(arguments.text("ts"))
    root, rest = thread[:1], thread[1:]
    return _messages(root + [m for m in rest if _within(m, arguments)], arguments)


def join(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Make the bot a member of a public channel.

    https://docs.slack.dev/reference/methods/conversations.join
    """
    channel = visible(workspace, arguments.channel())
    if channel.is_archived:
        raise SlackError("is_archived")
    if channel.is_im or channel.is_private:
        raise SlackError("method_not_supported_for_channel_type")
    if workspace.spec.bot_user_id not in channel.members:
        channel.members.append(workspace.spec.bot_user_id)
        workspace.show_places()
    return {"channel": as_slack(workspace, channel)}


def open_direct(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Open the conversation of the bot and one person.

    https://docs.slack.dev/reference/methods/conversations.open
    """
    given = arguments.maybe("users")
    if given is None:
        return {"channel": {"id": visible(workspace, arguments.channel()).id}}
    users = [workspace.people.at(user.strip()).id for user in given.split(",")]
    if len(users) != 1:
        raise SlackError("method_not_supported_for_channel_type")
    return {"channel": {"id": workspace.direct(users[0]).id}}


def kind_of(channel: Channel) -> str:
    """Return the type of a conversation in the words of `conversations.list`."""
    if channel.is_im:
        return "im"
    return "private_channel" if channel.is_private else "public_channel"


def as_slack(workspace: Workspace, channel: Channel) -> dict[str, Any]:
    """Return the object of https://docs.slack.dev/reference/objects/conversation-object."""
    bot = workspace.spec.bot_user_id
    if channel.is_im:
        others = [member for member in channel.members if member != bot]
        return {"id": channel.id, "is_im": True, "user": (others or [bot])[0]}
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": not channel.is_private,
        "is_group": channel.is_private,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "is_member": bot in channel.members,
        "context_team_id": workspace.spec.team_id,
        "topic": {"value": channel.topic, "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
    }


def cut(found: list[Any], arguments: Arguments) -> tuple[list[Any], str]:
    """Return one page and the cursor of the next, empty at the end."""
    most = min(max(1, arguments.number("limit", PAGE)), PAGE_AT_MOST)
    start = arguments.number("cursor", 0)
    following = str(start + most) if start + most < len(found) else ""
    return found[start : start + most], following


def _readable(workspace: Workspace, arguments: Arguments) -> Channel:
    channel = visible(workspace, arguments.channel())
    needed = _HISTORY[kind_of(channel)]
    if needed not in workspace.spec.scopes:
        provided = ",".join(sorted(workspace.spec.scopes))
        raise SlackError("missing_scope", {"needed": needed, "provided": provided})
    if workspace.spec.bot_user_id not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _within(message: Message, arguments: Arguments) -> bool:
    at = stamp(message)
    oldest, latest = arguments.maybe("oldest"), arguments.maybe("latest")
    inclusive = arguments.flag("inclusive")
    if oldest and (at < _bound(oldest) or (at == _bound(oldest) and not inclusive)):
        return False
    return not (latest and (at > _bound(latest) or (at == _bound(latest) and not inclusive)))


def _bound(ts: str) -> tuple[int, int]:
    try:
        return stamp({"ts": ts})
    except ValueError:
        raise SlackError("invalid_ts_oldest") from None


def _messages(found: list[Message], arguments: Arguments) -> dict[str, Any]:
    page, following = cut(found, arguments)
    if not arguments.flag("include_all_metadata"):
        page = [{k: v for k, v in m.items() if k != "metadata"} for m in page]
    answer: dict[str, Any] = {"messages": page, "has_more": bool(following)}
    if following:
        answer["response_metadata"] = {"next_cursor": following}
    return answer
