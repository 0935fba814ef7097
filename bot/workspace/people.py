"""Users and user groups as they are now."""

from dataclasses import replace
from typing import Any

from bot.workspace.errors import SlackError
from bot.workspace.spec import WorkspaceSpec, WorkspaceUser


class People:
    """The users and user groups of the workspace; both may change while it runs."""

    def __init__(self, spec: WorkspaceSpec) -> None:
        self._spec = spec
        self._users = {user.id: user for user in spec.users}
        self._groups = {group: list(users) for group, users in spec.usergroups.items()}

    def all(self) -> list[WorkspaceUser]:
        """Return every user, the bot among them."""
        return list(self._users.values())

    def at(self, user: str) -> WorkspaceUser:
        """Return the user with that id. Raises SlackError `user_not_found`."""
        if user not in self._users:
            raise SlackError("user_not_found")
        return self._users[user]

    def add(self, user: WorkspaceUser) -> None:
        """Add a user."""
        self._users[user.id] = user

    def change(self, user: str, **changed: Any) -> WorkspaceUser:
        """Change members of a user, such as `deleted` or `is_restricted`.

        Raises SlackError `user_not_found`, TypeError for a member that users do not have.
        """
        self._users[user] = replace(self.at(user), **changed)
        return self._users[user]

    def team_of(self, user: WorkspaceUser) -> str:
        """Return the workspace a user belongs to: this one unless it says otherwise."""
        return user.team_id or self._spec.team_id

    def groups(self) -> dict[str, list[str]]:
        """Return the user ids of each user group."""
        return self._groups

    def group(self, group: str) -> list[str]:
        """Return the user ids of a group. Raises SlackError `no_such_subteam`."""
        if group not in self._groups:
            raise SlackError("no_such_subteam")
        return self._groups[group]

    def set_group(self, group: str, users: list[str] | None) -> None:
        """Give a user group these members; None takes the group away."""
        if users is None:
            self._groups.pop(group, None)
        else:
            self._groups[group] = users

    def handle_of(self, group: str) -> str:
        """Return the @-name of a user group."""
        return self._spec.usergroup_handles.get(group, group.lower())

    def as_slack(self, user: WorkspaceUser) -> dict[str, Any]:
        """Return the user object of https://docs.slack.dev/reference/objects/user-object."""
        shown = user.display_name or user.name
        team = self.team_of(user)
        profile = {"real_name": shown, "display_name": shown, "team": team}
        if user.email and "users:read.email" in self._spec.scopes:
            profile["email"] = user.email
        record: dict[str, Any] = {
            "id": user.id,
            "team_id": team,
            "name": user.name,
            "deleted": user.deleted,
            "profile": profile,
            "is_bot": user.is_bot,
            "is_app_user": False,
            "updated": 0,
        }
        if user.is_stranger:
            record["is_stranger"] = True
        if not user.deleted:
            record["is_email_confirmed"] = bool(user.email) and user.is_email_confirmed
            record |= _standing(user) | {"real_name": shown, "tz": "Etc/UTC", "tz_offset": 0}
        return record


def _standing(user: WorkspaceUser) -> dict[str, Any]:
    return {
        "is_admin": False,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": user.is_restricted,
        "is_ultra_restricted": user.is_ultra_restricted,
    }
