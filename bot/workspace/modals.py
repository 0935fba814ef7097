"""The modals each person has open, stacked, and their home tabs.

https://docs.slack.dev/surfaces/modals
"""

from collections.abc import Callable
from typing import Any

from bot.workspace.block_kit.blocks import with_ids
from bot.workspace.errors import SlackError
from bot.workspace.spec import WorkspaceSpec

View = dict[str, Any]
STACK_AT_MOST = 3


class Modals:
    """Every open view, by person, the topmost last."""

    def __init__(self, spec: WorkspaceSpec, new_id: Callable[[], str]) -> None:
        self._spec = spec
        self._new_id = new_id
        self._stacks: dict[str, list[View]] = {}
        self._homes: dict[str, View] = {}

    def stack(self, user: str) -> list[View]:
        """Return the person's open views, the topmost last."""
        return list(self._stacks.get(user, []))

    def home(self, user: str) -> View | None:
        """Return the person's home tab, if the app published one."""
        return self._homes.get(user)

    def open(self, user: str, asked: View) -> View:
        """Open a view in place of what is open. Raises SlackError `duplicate_external_id`."""
        self._stacks[user] = []
        view = self._new(asked, previous=None)
        self._stacks[user].append(view)
        return view

    def push(self, user: str, asked: View) -> View:
        """Put a view on top of the person's open ones. Raises SlackError `push_limit_reached`."""
        stack = self._stacks.setdefault(user, [])
        if len(stack) >= STACK_AT_MOST:
            raise SlackError("push_limit_reached")
        view = self._new(asked, previous=stack[-1] if stack else None)
        stack.append(view)
        return view

    def publish(self, user: str, asked: View, seen_hash: str | None = None) -> View:
        """Set the person's home tab. Raises SlackError `hash_conflict`."""
        before = self._homes.get(user)
        _check_hash(before, seen_hash)
        view = self._new(asked, previous=None)
        if before is not None:
            view |= {"id": before["id"], "root_view_id": before["id"]}
        self._homes[user] = view
        return view

    def owner_of(self, view_id: str) -> str:
        """Return who has the view open. Raises SlackError `not_found`."""
        for user, stack in self._stacks.items():
            if any(view["id"] == view_id for view in stack):
                return user
        for user, home in self._homes.items():
            if home["id"] == view_id:
                return user
        raise SlackError("not_found")

    def find(self, user: str, view_id: str) -> View:
        """Return a view the person has open. Raises SlackError `not_found`."""
        home = self._homes.get(user)
        for view in [*self._stacks.get(user, []), *([home] if home else [])]:
            if view["id"] == view_id:
                return view
        raise SlackError("not_found")

    def with_external_id(self, external_id: str) -> str:
        """Return the id of the open view with that external id. Raises SlackError `not_found`."""
        for stack in self._stacks.values():
            for view in stack:
                if external_id and view["external_id"] == external_id:
                    return str(view["id"])
        raise SlackError("not_found")

    def update(self, user: str, view_id: str, asked: View, seen_hash: str | None = None) -> View:
        """Replace an open view. Raises SlackError `not_found`, `hash_conflict`."""
        before = self.find(user, view_id)
        _check_hash(before, seen_hash)
        kept = {name: before[name] for name in ("id", "previous_view_id", "root_view_id")}
        before["external_id"] = ""
        replaced = self._new(asked, previous=None) | kept
        before.clear()
        before |= replaced
        return before

    def close(self, user: str, view_id: str) -> None:
        """Close one view; those below stay. Raises SlackError `not_found`."""
        self.find(user, view_id)
        self._stacks[user] = [v for v in self._stacks[user] if v["id"] != view_id]

    def clear(self, user: str) -> list[View]:
        """Close all of the person's views and return them, the topmost first."""
        return self._stacks.pop(user, [])[::-1]

    def _new(self, asked: View, previous: View | None) -> View:
        external_id = asked.get("external_id", "")
        self._check_external_id(external_id)
        name = f"V{self._new_id().upper()}"
        shown = {key: asked.get(key) for key in ("title", "close", "submit")}
        return {
            "id": name,
            "team_id": self._spec.team_id,
            "type": asked["type"],
            "blocks": with_ids(asked["blocks"], self._new_id),
            "private_metadata": asked.get("private_metadata", ""),
            "callback_id": asked.get("callback_id", ""),
            "state": {"values": {}},
            "hash": f"{self._new_id()}.{self._new_id()}",
            **shown,
            "clear_on_close": asked.get("clear_on_close", False),
            "notify_on_close": asked.get("notify_on_close", False),
            "previous_view_id": previous["id"] if previous else None,
            "root_view_id": previous["root_view_id"] if previous else name,
            "app_id": self._spec.app_id,
            "external_id": external_id,
            "app_installed_team_id": self._spec.team_id,
            "bot_id": self._spec.bot_id,
        }

    def _check_external_id(self, external_id: str) -> None:
        if not external_id:
            return
        try:
            self.with_external_id(external_id)
        except SlackError:
            return
        raise SlackError("duplicate_external_id")


def _check_hash(before: View | None, seen: str | None) -> None:
    if before is not None and seen and before["hash"] != seen:
        raise SlackError("hash_conflict")
