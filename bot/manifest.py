"""The app's manifest for Slack: what it may do, and how Slack reaches it."""

import json
from importlib.resources import files
from typing import Any

LOOKING = {
    "channels:read": "lets `placet slack check` see whether the bot is in a public channel",
    "groups:read": "lets `placet slack check` see whether the bot is in a private channel",
}
"""Scopes that serving needs nothing of: without them the check cannot look at channels."""

SCOPES = {
    **LOOKING,
    "chat:write": "posts cards to the channels it was invited to, and answers clicks",
    "commands": "adds the slash command /placet",
    "usergroups:read": "reads who is in the user groups that may approve",
    "users:read": "reads whether a person who decides is a bot, a guest or deactivated",
}
"""Each scope and what it is for; the bot asks for no other."""


def manifest() -> dict[str, Any]:
    """Return the manifest for Socket Mode, as in `manifest.json`.

    Source: https://docs.slack.dev/reference/app-manifest
    """
    told: dict[str, Any] = json.loads(files("bot").joinpath("manifest.json").read_text("utf-8"))
    return told


def http_manifest(request_url: str) -> dict[str, Any]:
    """Return the manifest for HTTP; `request_url` is the public `https://…/slack/events`."""
    told = manifest()
    told["settings"]["socket_mode_enabled"] = False
    told["settings"]["interactivity"]["request_url"] = request_url
    for command in told["features"]["slash_commands"]:
        command["url"] = request_url
    return told
