"""The app's manifest for Slack: what it may do, and how Slack reaches it."""

import json
from importlib.resources import files
from typing import Any

LOOKING = {
    "channels:read": "lets `placet slack check` see whether the bot is in a public channel",
    "groups:read": "lets `placet slack check` see whether the bot is in a private channel",
}
"""Scopes that serving needs nothing of: without them the check cannot look at channels."""

FINDING = {
    "channels:history": "finds in a public channel a card whose record was lost, instead of"
    " posting it again",
    "groups:history": "finds in a private channel a card whose record was lost, instead of"
    " posting it again",
}
"""Scopes that serving can do without: a crash between two steps may then leave a second card."""

SCOPES = {
    **LOOKING,
    **FINDING,
    "chat:write": "posts cards to the channels it was invited to, and answers clicks",
    "commands": "adds the slash command /placet",
    "usergroups:read": "reads who is in the user groups that may approve",
    "users:read": "reads whether a person who decides is a bot, a guest or deactivated",
}
"""Each scope and what it is for; the bot asks for no other."""

EMAIL = {
    "users:read.email": "reads the e-mail address of who decides, to know people by it",
}
"""The scope that is asked for only where the configuration says `match_email: true`."""


def manifest() -> dict[str, Any]:
    """Return the manifest for Socket Mode, as in `manifest.json`.

    Source: https://docs.slack.dev/reference/app-manifest
    """
    told: dict[str, Any] = json.loads(files("bot").joinpath("manifest.json").read_text("utf-8"))
    return told


def reading_emails(told: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest with the scope that `match_email: true` needs."""
    bot = told["oauth_config"]["scopes"]["bot"]
    scopes = told["oauth_config"]["scopes"] | {"bot": sorted({*bot, *EMAIL})}
    return told | {"oauth_config": told["oauth_config"] | {"scopes": scopes}}


def http_manifest(request_url: str) -> dict[str, Any]:
    """Return the manifest for HTTP; `request_url` is the public `https://…/slack/events`."""
    told = manifest()
    told["settings"]["socket_mode_enabled"] = False
    told["settings"]["interactivity"]["request_url"] = request_url
    told["settings"]["event_subscriptions"]["request_url"] = request_url
    for command in told["features"]["slash_commands"]:
        command["url"] = request_url
    return told
