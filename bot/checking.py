"""Looks at a workspace for all that would keep Placet from asking there: nothing is posted."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from slack_sdk.errors import SlackApiError

from bot.slack.client import UNREACHABLE, SlackClient, code_of, reason_of
from bot.slack.home import Home, HomeFinder
from bot.slack.manifest import EMAIL, FINDING, LOOKING, SCOPES
from policies.people.people import Directory, Team

_AT_ONCE = 4
_PAID = "user groups need a paid plan; name the approvers"
_GROUP_ADVICE = {
    "paid_teams_only": _PAID,
    "plan_upgrade_required": _PAID,
    "missing_scope": "it cannot be read without the scope `usergroups:read`",
}


class Weight(StrEnum):
    """What a finding means for Placet."""

    GOOD = "ok"
    DOUBTFUL = "warning"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """What was looked at and how it stands; `advice` says what to do, where there is something."""

    weight: Weight
    subject: str
    said: str
    advice: str | None = None


@dataclass(frozen=True)
class Wanted:
    """What the configuration needs of a workspace; `channels` are the teams' and others', by id."""

    directory: Directory
    channels: dict[str, str]
    app_token: str | None


async def look(slack: SlackClient, wanted: Wanted) -> AsyncIterator[Finding]:
    """Yield a finding for each thing that is looked at, the worst news as soon as it is known.

    Where Slack does not even say who the bot is, that is the only finding.
    """
    finder = HomeFinder(slack)
    home = await finder.ask()
    if home is None:
        advice = "look at `slack.bot_token` and `slack.api_url`, and whether Slack is reached"
        yield Finding(Weight.WRONG, "bot token", finder.trouble, advice)
        for finding in await _app_token(slack, wanted.app_token):
            yield finding
        told = "nothing else can be looked at without a bot token that works"
        yield Finding(Weight.DOUBTFUL, "scopes, channels, people", told)
        return
    yield Finding(Weight.GOOD, "bot token", f"it is of user {home.bot_user} in {home.team}")
    granted = await _granted(slack)
    for finding in [
        *_scopes(granted, wanted.directory),
        *await _app(slack, home, wanted.app_token),
    ]:
        yield finding
    async for finding in _in_turn(
        [
            *(_channel(slack, channel, of) for channel, of in sorted(wanted.channels.items())),
            *(_team(slack, home, wanted.directory, team) for team in _teams(wanted.directory)),
            *(_owner(slack, home, wanted.directory, name) for name in _owners(wanted.directory)),
        ]
    ):
        yield finding


async def _in_turn(looks: Sequence[Awaitable[list[Finding]]]) -> AsyncIterator[Finding]:
    """Yield what the looks find, a few at once, in their order."""
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(looking: Awaitable[list[Finding]]) -> list[Finding]:
        async with free:
            return await looking

    running = [asyncio.ensure_future(one(each)) for each in looks]
    for task in running:
        for finding in await task:
            yield finding


async def _granted(slack: SlackClient) -> frozenset[str] | None:
    """Return the scopes of the bot token, as Slack names them in a header; None if it does not.

    Source: https://docs.slack.dev/authentication/
    """
    try:
        said = await slack.auth_test()
    except UNREACHABLE:
        return None
    headers = {key.lower(): value for key, value in said.headers.items()}
    named = headers.get("x-oauth-scopes")
    return frozenset(str(named).replace(" ", "").split(",")) if named else None


def _scopes(granted: frozenset[str] | None, directory: Directory) -> list[Finding]:
    if granted is None:
        told = "Slack does not say which scopes the token has"
        return [Finding(Weight.DOUBTFUL, "scopes", told)]
    needed = SCOPES | EMAIL if directory.matches_email else SCOPES
    advice = "add it under *OAuth & Permissions* and install the app anew"
    missing = [
        Finding(_weight_of(scope), f"scope {scope}", f"is missing: it {why}", advice)
        for scope, why in needed.items()
        if scope not in granted
    ]
    more = sorted(granted - needed.keys() - {""})
    if more:
        told = f"the token may do more than Placet needs: {', '.join(more)}"
        missing.append(Finding(Weight.DOUBTFUL, "scopes", told, "take them away from the app"))
    return missing or [Finding(Weight.GOOD, "scopes", ", ".join(sorted(granted)))]


def _weight_of(scope: str) -> Weight:
    return Weight.DOUBTFUL if scope in LOOKING or scope in FINDING else Weight.WRONG


async def _app(slack: SlackClient, home: Home, app_token: str | None) -> list[Finding]:
    found = []
    if home.app is None:
        told = "Slack does not say it; requests for other apps are told apart by their secret alone"
        found.append(Finding(Weight.DOUBTFUL, "app id", told))
    return [*found, *await _app_token(slack, app_token)]


async def _app_token(slack: SlackClient, app_token: str | None) -> list[Finding]:
    """Say whether a connection can be opened, which has nothing to do with the bot token.

    Source: https://docs.slack.dev/reference/methods/apps.connections.open
    """
    if app_token is None:
        return []
    try:
        await slack.apps_connections_open(app_token=app_token)
    except UNREACHABLE as error:
        advice = "it needs the scope `connections:write`, and Socket Mode switched on"
        return [Finding(Weight.WRONG, "app token", reason_of(error), advice)]
    return [Finding(Weight.GOOD, "app token", "opens a Socket Mode connection")]


async def _channel(slack: SlackClient, channel: str, of: str) -> list[Finding]:
    """Say whether the bot can post to a channel.

    Source: https://docs.slack.dev/reference/methods/conversations.info
    """
    subject = f"channel {channel} of {of}"
    try:
        said = await slack.conversations_info(channel=channel)
    except UNREACHABLE as error:
        return [_unseen(subject, error)]
    about: dict[str, Any] = said.get("channel") or {}
    found = []
    if about.get("is_archived"):
        told = "it is archived, nobody can post there"
        found.append(Finding(Weight.WRONG, subject, told, "open it again, or name another"))
    elif not about.get("is_member"):
        told = "the bot is not in it"
        found.append(Finding(Weight.WRONG, subject, told, "type `/invite @Placet` there"))
    if about.get("is_ext_shared"):
        told = "people of other workspaces read it, and with it every card"
        found.append(Finding(Weight.DOUBTFUL, subject, told, "use a channel of your own"))
    return found or [Finding(Weight.GOOD, subject, "the bot is in it")]


def _unseen(subject: str, error: Exception) -> Finding:
    if code_of(error) == "missing_scope":
        told = "it cannot be looked at without the scopes `channels:read` and `groups:read`"
        return Finding(Weight.DOUBTFUL, subject, told, "add them, or see whether a card arrives")
    advice = None
    if isinstance(error, SlackApiError):
        advice = "look at the id; into a private channel the bot must be invited to see it"
    return Finding(Weight.WRONG, subject, reason_of(error), advice)


def _teams(directory: Directory) -> list[Team]:
    return [directory.teams[name] for name in sorted(directory.teams)]


def _owners(directory: Directory) -> list[str]:
    """Return the people who are nobody's approver but own an agent or are acted for."""
    approving = {name for team in directory.teams.values() for name in team.approvers}
    named = {agent.owner for agent in directory.agents.values()}
    named |= {agent.on_behalf_of for agent in directory.agents.values() if agent.on_behalf_of}
    return sorted(named - approving)


async def _team(slack: SlackClient, home: Home, directory: Directory, team: Team) -> list[Finding]:
    """Say of each approver and user group of a team whether they can decide."""
    found = [await _approver(slack, home, directory, name, team.name) for name in team.approvers]
    able = sum(finding.weight is Weight.GOOD for finding in found)
    for group in team.groups:
        finding, members = await _group(slack, group, team.name)
        found.append(finding)
        able += members
    if not able:
        told = "nobody can be found in Slack who may decide for it"
        found.append(Finding(Weight.WRONG, f"team {team.name}", told, "name an approver"))
    return found


async def _owner(slack: SlackClient, home: Home, directory: Directory, name: str) -> list[Finding]:
    """Say whether the owner of an agent is who the configuration says, where it says it."""
    person = directory.people.get(name)
    if person is None or person.slack is None:
        return []
    trouble = await _trouble(slack, home, person.slack)
    weight = Weight.DOUBTFUL if trouble else Weight.GOOD
    return [Finding(weight, f"person {name} ({person.slack})", trouble or "is a full member")]


async def _approver(
    slack: SlackClient, home: Home, directory: Directory, name: str, team: str
) -> Finding:
    person = directory.people.get(name)
    subject = f"approver {name} of {team}"
    if person is not None and person.slack is None and person.email is not None:
        return await _by_email(slack, home, person.email, subject)
    if person is None or person.slack is None:
        told = "has no `slack` in the configuration and cannot click"
        return Finding(Weight.WRONG, subject, told, "write `slack: T…/U…` at the person")
    trouble = await _trouble(slack, home, person.slack)
    if trouble is None:
        return Finding(Weight.GOOD, f"{subject} ({person.slack})", "is a full member")
    return Finding(Weight.WRONG, f"{subject} ({person.slack})", trouble, "name somebody else")


async def _by_email(slack: SlackClient, home: Home, email: str, subject: str) -> Finding:
    """Say whether the account with an e-mail address can decide.

    Source: https://docs.slack.dev/reference/methods/users.lookupByEmail
    """
    advice = "write `slack: T…/U…` at the person"
    try:
        said = await slack.users_lookupByEmail(email=email)
    except UNREACHABLE as error:
        return Finding(Weight.WRONG, f"{subject} ({email})", reason_of(error), advice)
    record = said.get("user") or {}
    user = f"{home.team}/{record.get('id')}"
    trouble = await _trouble(slack, home, user)
    if trouble is None and record.get("is_email_confirmed") is not True:
        trouble = "has an e-mail address that nobody verified"
    if trouble is None:
        return Finding(Weight.GOOD, f"{subject} ({email})", f"is {user}, a full member")
    return Finding(Weight.WRONG, f"{subject} ({email})", trouble, advice)


async def _trouble(slack: SlackClient, home: Home, known: str) -> str | None:
    """Return why a person could not decide, None where they can.

    Source: https://docs.slack.dev/reference/methods/users.info
    """
    workspace, _, user = known.partition("/")
    if workspace not in {home.team, home.enterprise}:
        return f"is of workspace {workspace}, the bot is in {home.team}"
    try:
        said = await slack.users_info(user=user)
    except UNREACHABLE as error:
        return reason_of(error)
    record: dict[str, Any] = said.get("user") or {}
    wrong = {
        "is deactivated": record.get("deleted"),
        "is a bot": record.get("is_bot"),
        "is a guest": record.get("is_restricted") or record.get("is_ultra_restricted"),
        "is of another organization": record.get("is_stranger"),
    }
    return next((told for told, holds in wrong.items() if holds), None)


async def _group(slack: SlackClient, group: str, team: str) -> tuple[Finding, int]:
    """Return how a user group stands, and how many it holds.

    Source: https://docs.slack.dev/reference/methods/usergroups.users.list
    """
    subject = f"user group {group} of {team}"
    try:
        said = await slack.usergroups_users_list(usergroup=group)
    except UNREACHABLE as error:
        advice = _GROUP_ADVICE.get(code_of(error) or "", "look at the id")
        return Finding(Weight.WRONG, subject, reason_of(error), advice), 0
    members = len(said.get("users") or [])
    if not members:
        return Finding(Weight.WRONG, subject, "nobody is in it", "add its approvers in Slack"), 0
    return Finding(Weight.GOOD, subject, f"holds {members} people"), members
