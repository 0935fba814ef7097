"""Lets tests disturb the workspace: faults, outages, channels and people that change."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from bot.workspace.channels import Channel
from bot.workspace.faults import Fault
from bot.workspace.interactions import Interactions
from bot.workspace.socket_mode import SocketMode
from bot.workspace.spec import WorkspaceChannel, WorkspaceUser
from bot.workspace.state import Workspace
from bot.workspace.web_api import WebApi


class Disturbing(ABC):
    """Changes the workspace beneath the app."""

    workspace: Workspace
    interactions: Interactions
    sockets: SocketMode
    api: WebApi

    @abstractmethod
    async def outage(self, *, refuse: bool = False) -> None:
        """Let Slack be away: answer 503 to everything, or `refuse` connections altogether."""

    @abstractmethod
    async def recover(self) -> None:
        """End an outage; the addresses stay."""

    async def fail_next(self, method: str, fault: Fault, times: int = 1) -> None:
        """Let the next `times` calls of a Web API method (`*`: of any) go wrong."""
        self.api.faults.add(method, fault, times)

    async def clear_faults(self) -> None:
        """Forget all faults still to come."""
        self.api.faults.clear()

    async def duplicate_next(self, copies: int = 2) -> None:
        """Deliver the next interaction this many times, as Slack's repetitions do."""
        self.interactions.copies_of_next = copies

    async def drop_sockets(self) -> None:
        """Cut every Socket Mode connection without a word."""
        self.sockets.drop()

    async def deafen_sockets(self) -> None:
        """Let every Socket Mode connection stand without hearing or saying anything on it."""
        self.sockets.deafen()

    async def disconnect_sockets(self) -> None:
        """Ask for every Socket Mode connection to be opened anew, as Slack does."""
        await self.sockets.disconnect()

    async def add_channel(self, channel: WorkspaceChannel) -> None:
        """Create a channel."""
        self.workspace.channels.add(Channel.of(channel))
        self.workspace.show_places()

    async def remove_channel(self, channel: str) -> None:
        """Remove a channel and its messages. Raises SlackError `channel_not_found`."""
        self.workspace.channels.remove(channel)
        self.workspace.show_places()

    async def archive(self, channel: str, *, archived: bool = True) -> None:
        """Archive a channel or bring it back. Raises SlackError `channel_not_found`."""
        self.workspace.channels.at(channel).is_archived = archived
        self.workspace.show_places()

    async def join(self, channel: str, user: str) -> None:
        """Make a user (the bot, too) a member. Raises SlackError."""
        members = self.workspace.channels.at(channel).members
        if self.workspace.people.at(user).id not in members:
            members.append(user)
        self.workspace.show_places()

    async def leave(self, channel: str, user: str) -> None:
        """Take a user (the bot, too) out of a channel. Raises SlackError."""
        members = self.workspace.channels.at(channel).members
        if user in members:
            members.remove(user)
        self.workspace.show_places()

    async def add_user(self, user: WorkspaceUser) -> None:
        """Add a user."""
        self.workspace.people.add(user)
        self.workspace.show_places()

    async def change_user(self, user: str, **changed: Any) -> None:
        """Change members of a user, such as `deleted=True`. Raises SlackError."""
        self.workspace.people.change(user, **changed)
        self.workspace.show_places()

    async def set_usergroup(self, group: str, users: Sequence[str] | None) -> None:
        """Give a user group these members; None takes the group away."""
        self.workspace.people.set_group(group, None if users is None else list(users))
        self.workspace.show_places()
