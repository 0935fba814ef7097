"""The methods about people, user groups and the workspace itself."""

from typing import Any

from bot.workspace.arguments import Arguments
from bot.workspace.errors import SlackError
from bot.workspace.methods.conversations import cut
from bot.workspace.state import Workspace


def auth_test(workspace: Workspace, _arguments: Arguments) -> dict[str, Any]:
    """Return whose token it is.

    https://docs.slack.dev/reference/methods/auth.test
    """
    spec = workspace.spec
    return {
        "url": f"https://{spec.team_domain}.slack.com/",
        "team": spec.team_name,
        "team_id": spec.team_id,
        "user": workspace.people.at(spec.bot_user_id).name,
        "user_id": spec.bot_user_id,
        "bot_id": spec.bot_id,
        "is_enterprise_install": False,
    }


def bot(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Return the bot of the one app, with the app's id. Raises SlackError `bot_not_found`.

    https://docs.slack.dev/reference/methods/bots.info
    """
    spec = workspace.spec
    if arguments.text("bot") != spec.bot_id:
        raise SlackError("bot_not_found")
    return {
        "bot": {
            "id": spec.bot_id,
            "deleted": False,
            "name": spec.app_name,
            "app_id": spec.app_id,
            "user_id": spec.bot_user_id,
        }
    }


def team(workspace: Workspace, _arguments: Arguments) -> dict[str, Any]:
    """Return the workspace.

    https://docs.slack.dev/reference/methods/team.info
    """
    spec = workspace.spec
    return {"team": {"id": spec.team_id, "name": spec.team_name, "domain": spec.team_domain}}


def user(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Return one user.

    https://docs.slack.dev/reference/methods/users.info
    """
    people = workspace.people
    return {"user": people.as_slack(people.at(arguments.text("user")))}


def user_by_email(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Return the user with an e-mail address, whatever the case.

    https://docs.slack.dev/reference/methods/users.lookupByEmail
    """
    wanted = arguments.text("email").casefold()
    for each in workspace.people.all():
        if each.email.casefold() == wanted and not each.deleted:
            return {"user": workspace.people.as_slack(each)}
    raise SlackError("users_not_found")


def users(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Return the users, a page at a time.

    https://docs.slack.dev/reference/methods/users.list
    """
    page, following = cut(workspace.people.all(), arguments)
    return {
        "members": [workspace.people.as_slack(each) for each in page],
        "response_metadata": {"next_cursor": following},
    }


def groups(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Return the user groups.

    https://docs.slack.dev/reference/methods/usergroups.list
    """
    listed = []
    for group, members in workspace.people.groups().items():
        handle = workspace.people.handle_of(group)
        shown: dict[str, Any] = {
            "id": group,
            "team_id": workspace.spec.team_id,
            "is_usergroup": True,
            "name": handle,
            "handle": handle,
            "date_delete": 0,
            "user_count": len(members),
        }
        if arguments.flag("include_users"):
            shown["users"] = list(members)
        listed.append(shown)
    return {"usergroups": listed}


def group_users(workspace: Workspace, arguments: Arguments) -> dict[str, Any]:
    """Return the ids of a group's users; the deactivated ones only when asked for.

    https://docs.slack.dev/reference/methods/usergroups.users.list
    """
    members = workspace.people.group(arguments.text("usergroup"))
    if not arguments.flag("include_disabled"):
        gone = {each.id for each in workspace.people.all() if each.deleted}
        members = [member for member in members if member not in gone]
    return {"users": list(members)}
