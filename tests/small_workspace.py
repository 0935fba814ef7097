"""A small workspace to try things in, and the blocks that tests post there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace.server import LocalWorkspace
from bot.workspace.spec import SlashCommand, WorkspaceChannel, WorkspaceSpec, WorkspaceUser

BOT, ALICE, BOB, CAT, GUEST = "U0PLACET", "U0ALICE", "U0BOB", "U0CAT", "U0GUEST"
GENERAL, SECRET = "C0GENERAL", "C0SECRET"
BOT_TOKEN, APP_TOKEN = "xoxb-local", "xapp-local"


def spec(**changed: Any) -> WorkspaceSpec:
    members: dict[str, Any] = {
        "team_id": "T0LOCAL",
        "users": [
            WorkspaceUser(BOT, "placet", "Placet", is_bot=True),
            WorkspaceUser(ALICE, "alice", "Alice"),
            WorkspaceUser(BOB, "bob", "Bob"),
            WorkspaceUser(CAT, "cat", "Cat"),
            WorkspaceUser(GUEST, "guest", "Guest", is_stranger=True, team_id="T0OTHER"),
        ],
        "channels": [
            WorkspaceChannel(GENERAL, "general", (BOT, ALICE, BOB)),
            WorkspaceChannel(SECRET, "secret", (BOT, BOB), is_private=True),
            WorkspaceChannel("C0NOBOT", "no-bot", (ALICE,)),
        ],
        "usergroups": {"S0PLATFORM": [BOB, CAT]},
        "usergroup_handles": {"S0PLATFORM": "platform"},
        "bot_token": BOT_TOKEN,
        "app_token": APP_TOKEN,
        "bot_user_id": BOT,
        "home_tab": True,
        "commands": [SlashCommand("/placet", "Approvals and grants", "list | show ID")],
    }
    return WorkspaceSpec(**members | changed)


def button(action_id: str, **members: Any) -> dict[str, Any]:
    text = {"type": "plain_text", "text": members.pop("label", "Press")}
    return {"type": "button", "action_id": action_id, "text": text, **members}


def actions(*elements: dict[str, Any], block_id: str = "act") -> dict[str, Any]:
    return {"type": "actions", "block_id": block_id, "elements": list(elements)}


def modal(*blocks: dict[str, Any], **members: Any) -> dict[str, Any]:
    title = {"type": "plain_text", "text": members.pop("heading", "A modal")}
    return {"type": "modal", "title": title, "blocks": list(blocks), **members}


def text_input(block_id: str, **members: Any) -> dict[str, Any]:
    optional = members.pop("optional", False)
    return {
        "type": "input",
        "block_id": block_id,
        "optional": optional,
        "label": {"type": "plain_text", "text": "Reason"},
        "element": {"type": "plain_text_input", "action_id": "typed", **members},
    }


def rich(*elements: dict[str, Any]) -> dict[str, Any]:
    """Return a rich text block of one line."""
    line = {"type": "rich_text_section", "elements": list(elements)}
    return {"type": "rich_text", "elements": [line]}


async def card(client: AsyncWebClient, *elements: dict[str, Any], extra: Any = ()) -> str:
    """Post a message with buttons below other blocks; return its timestamp."""
    blocks = [*extra, actions(*elements or [button("go")])]
    return str((await client.chat_postMessage(channel=GENERAL, text="x", blocks=blocks))["ts"])


@asynccontextmanager
async def connected(local: LocalWorkspace, app: AsyncApp) -> AsyncIterator[AsyncSocketModeHandler]:
    """Connect a Bolt app in Socket Mode while the block runs."""
    handler = AsyncSocketModeHandler(app, APP_TOKEN, ping_interval=0.5)
    before = local.sockets.connected
    await handler.connect_async()
    try:
        await local.wait_until_connected(before + 1)
        yield handler
    finally:
        await handler.close_async()
