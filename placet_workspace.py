"""Builds the local workspace that a configuration in mode local describes."""

import secrets
from pathlib import Path
from typing import Any

from bot.slack.manifest import manifest, reading_emails
from bot.workspace.server import LocalWorkspace
from bot.workspace.spec import SlashCommand, WorkspaceChannel, WorkspaceSpec, WorkspaceUser
from ledger.shell import Misconfigured
from policies.configuration.configuration import Configuration

_BOT = "U0PLACET"


def local_workspace(configuration: Configuration, journal: Path | None = None) -> LocalWorkspace:
    """Return the workspace with the people, channels and groups of `configuration`.

    Everybody and the bot are in every channel. The bot has the scopes and
    commands of its manifest, no more. Raises Misconfigured where the people
    are of several workspaces.
    """
    return LocalWorkspace(_spec(configuration), journal=journal)


def _spec(configuration: Configuration) -> WorkspaceSpec:
    told = manifest()
    told = reading_emails(told) if configuration.slack.match_email else told
    users = _users(configuration)
    everybody = tuple(user.id for user in users)
    channels = {team.channel: name for name, team in configuration.teams.items()}
    groups = {group for team in configuration.teams.values() for group in team.groups}
    people = [user.id for user in users if not user.is_bot]
    return WorkspaceSpec(
        team_id=_workspace_of(configuration),
        users=users,
        channels=[
            WorkspaceChannel(id=channel, name=name, members=everybody)
            for channel, name in channels.items()
        ],
        bot_token=f"xoxb-local-{secrets.token_hex(16)}",
        app_token=f"xapp-local-{secrets.token_hex(16)}",
        bot_user_id=_BOT,
        usergroups=dict.fromkeys(sorted(groups), people),
        commands=_commands(told),
        home_tab=bool(told["features"].get("app_home", {}).get("home_tab_enabled")),
        scopes=frozenset(told["oauth_config"]["scopes"]["bot"]),
    )


def _users(configuration: Configuration) -> list[WorkspaceUser]:
    directory = configuration.directory()
    people = [
        WorkspaceUser(
            id=person.slack.partition("/")[2] if person.slack else f"U0MAIL{number}",
            name=name,
            display_name=name.capitalize(),
            email=person.email or "",
        )
        for number, (name, person) in enumerate(directory.people.items(), 1)
        if person.reachable
    ]
    return [*people, WorkspaceUser(id=_BOT, name="placet", display_name="Placet", is_bot=True)]


def _workspace_of(configuration: Configuration) -> str:
    found = {
        person.slack.partition("/")[0]
        for person in configuration.people.values()
        if person.slack is not None
    }
    if len(found) > 1:
        named = ", ".join(f"`{each}`" for each in sorted(found))
        raise Misconfigured(f"mode local has one workspace, and `people` name several: {named}")
    return found.pop() if found else "T0LOCAL"


def _commands(manifest: dict[str, Any]) -> list[SlashCommand]:
    return [
        SlashCommand(
            command=each["command"],
            description=each.get("description", ""),
            usage_hint=each.get("usage_hint", ""),
            should_escape=each.get("should_escape", False),
        )
        for each in manifest["features"].get("slash_commands", [])
    ]
