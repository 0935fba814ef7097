"""Answers to an interaction through its response URL.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

from typing import Any

from bot.workspace.arguments import Arguments
from bot.workspace.channels import Channel
from bot.workspace.content import content_of
from bot.workspace.errors import SlackError
from bot.workspace.messages import Message
from bot.workspace.methods.chat import by_the_bot
from bot.workspace.state import Workspace
from bot.workspace.tickets import ResponseUrl


def respond(workspace: Workspace, name: str, arguments: Arguments) -> None:
    """Answer an interaction: replace or delete its message, post, or tell the person only.

    Raises SlackError `used_url`, `expired_url` and those of message content.
    """
    url = workspace.tickets.use_response_url(name)
    channel = workspace.channels.at(url.channel)
    original = _original(workspace, channel, url)
    if arguments.flag("delete_original") and original:
        _delete(workspace, channel, url, original)
        return
    content = content_of(arguments)
    if arguments.flag("replace_original") and original:
        _replace(workspace, channel, url, original, content)
        return
    message = by_the_bot(workspace) | content | _thread_of(url, arguments)
    if arguments.maybe("response_type") == "in_channel":
        workspace.put(channel, message)
    else:
        workspace.whisper(url.user, message | {"channel": channel.id, "is_ephemeral": True})


def _original(workspace: Workspace, channel: Channel, url: ResponseUrl) -> Message | None:
    if url.ts is None:
        return None
    for message in workspace.ephemerals(url.user):
        if message["ts"] == url.ts:
            return message
    return channel.timeline.messages.get(url.ts)


def _delete(workspace: Workspace, channel: Channel, url: ResponseUrl, original: Message) -> None:
    if original.get("is_ephemeral"):
        workspace.dismiss(url.user, original["ts"])
    else:
        workspace.delete(channel, original["ts"])


def _replace(
    workspace: Workspace,
    channel: Channel,
    url: ResponseUrl,
    original: Message,
    content: dict[str, Any],
) -> None:
    kept = {name: value for name, value in original.items() if name not in {"text", "blocks"}}
    if original.get("is_ephemeral"):
        workspace.dismiss(url.user, original["ts"])
        workspace.whisper(url.user, kept | content)
    elif original.get("bot_id") != workspace.spec.bot_id:
        raise SlackError("cant_update_message")
    else:
        workspace.put(channel, kept | content)


def _thread_of(url: ResponseUrl, arguments: Arguments) -> dict[str, Any]:
    thread = arguments.maybe("thread_ts") or url.thread_ts
    return {"thread_ts": thread} if thread else {}
