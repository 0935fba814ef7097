"""The methods `chat.*` and `reactions.add`."""

from typing import Any

from bot.workspace.arguments import Arguments
from bot.workspace.channels import Channel
from bot.workspace.content import TEXT_OF_AN_EDIT, content_of
from bot.workspace.errors import SlackError
from bot.workspace.messages import Message, is_top_level
from bot.workspace.methods.places import visible, writable
from bot.workspace.state import Workspace


def post_message(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Post a message or a reply.

    https://docs.slack.dev/reference/methods/chat.postMessage
    """
    channel = writable(workspace, arguments.channel())
    content = content_of(arguments)
    message = by_the_bot(workspace) | content | _thread_of(channel, arguments)
    workspace.put(channel, message)
    return {"channel": channel.id, "ts": message["ts"], "message": message}


def update(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Replace a message of the bot; text without blocks takes the blocks away.

    https://docs.slack.dev/reference/methods/chat.update
    """
    channel = visible(workspace, arguments.channel())
    if channel.is_archived:
        raise SlackError("is_archived")
    before = channel.timeline.at(arguments.text("ts"))
    if before.get("bot_id") != workspace.spec.bot_id:
        raise SlackError("cant_update_message")
    if len(arguments.maybe("text") or "") > TEXT_OF_AN_EDIT:
        raise SlackError("msg_too_long")
    content = content_of(arguments)
    kept = {name: value for name, value in before.items() if name not in {"text", "blocks"}}
    message = kept | content
    if "blocks" not in content:
        message["edited"] = {"user": workspace.spec.bot_user_id, "ts": workspace.stamps.next()}
    workspace.put(channel, message)
    return {
        "channel": channel.id,
        "ts": message["ts"],
        "text": message["text"],
        "message": message,
    }


def delete(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Delete a message of the bot.

    https://docs.slack.dev/reference/methods/chat.delete
    """
    channel = visible(workspace, arguments.channel())
    message = channel.timeline.at(arguments.text("ts"))
    if message.get("bot_id") != workspace.spec.bot_id:
        raise SlackError("cant_delete_message")
    workspace.delete(channel, message["ts"])
    return {"channel": channel.id, "ts": message["ts"]}


def post_ephemeral(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Show a message to one member of a channel.

    https://docs.slack.dev/reference/methods/chat.postEphemeral
    """
    channel = writable(workspace, arguments.channel())
    user = workspace.people.at(arguments.text("user"))
    if user.id not in channel.members:
        raise SlackError("user_not_in_channel")
    content = content_of(arguments)
    message = by_the_bot(workspace) | content | _thread_of(channel, arguments)
    message |= {"channel": channel.id, "is_ephemeral": True}
    workspace.whisper(user.id, message)
    return {"message_ts": message["ts"]}


def permalink(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Return the address of a message, a place in the page.

    https://docs.slack.dev/reference/methods/chat.getPermalink
    """
    channel = visible(workspace, arguments.channel())
    message = channel.timeline.at(arguments.text("message_ts"))
    place = f"https://{workspace.spec.team_domain}.slack.com/archives/{channel.id}"
    return {"channel": channel.id, "permalink": f"{place}/p{message['ts'].replace('.', '')}"}


def add_reaction(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Add a reaction of the bot to a message.

    https://docs.slack.dev/reference/methods/reactions.add
    """
    channel = visible(workspace, arguments.channel())
    if workspace.spec.bot_user_id not in channel.members:
        raise SlackError("not_in_channel")
    message = channel.timeline.at(arguments.text("timestamp"))
    name, bot = arguments.text("name"), workspace.spec.bot_user_id
    reactions = {r["name"]: r for r in message.get("reactions", [])}
    users = reactions.get(name, {"users": []})["users"]
    if bot in users:
        raise SlackError("already_reacted")
    reactions[name] = {"name": name, "users": [*users, bot], "count": len(users) + 1}
    workspace.put(channel, message | {"reactions": list(reactions.values())})
    return {}


def by_the_bot(workspace: Workspace) -> Message:
    """Return what every message of the bot holds besides its content."""
    return {
        "type": "message",
        "user": workspace.spec.bot_user_id,
        "bot_id": workspace.spec.bot_id,
        "app_id": workspace.spec.app_id,
        "team": workspace.spec.team_id,
        "ts": workspace.stamps.next(),
    }


def _thread_of(channel: Channel, arguments: Arguments) -> dict[str, Any]:
    thread = arguments.maybe("thread_ts")
    if thread is None:
        return {}
    root = channel.timeline.messages.get(thread)
    if root is None or not is_top_level(root):
        raise SlackError("thread_not_found")
    broadcast = arguments.flag("reply_broadcast")
    return {"thread_ts": thread} | ({"subtype": "thread_broadcast"} if broadcast else {})
