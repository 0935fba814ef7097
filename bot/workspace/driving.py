"""Lets tests and `demo --check` act as people and look at what they see."""

import copy
from collections.abc import Callable
from typing import Any

from bot.workspace.errors import SlackError
from bot.workspace.inputs import Values
from bot.workspace.interactions import NOTHING, Interactions, Shown
from bot.workspace.messages import Message, stamp
from bot.workspace.modals import View
from bot.workspace.request_log import Request
from bot.workspace.state import Workspace
from bot.workspace.web_api import WebApi

Predicate = Callable[[dict[str, Any]], bool]


class Driving:
    """Acts as people; what is returned are copies, as Slack's clients show them."""

    workspace: Workspace
    interactions: Interactions
    api: WebApi

    async def click(
        self,
        user: str,
        channel: str,
        ts: str,
        action_id: str,
        *,
        block_id: str | None = None,
        values: Values = NOTHING,
    ) -> Shown:
        """Press a button (or choose from a menu, its value in `values`) in a message.

        Raises Impossible where the person sees no such message or button.
        """
        return await self.interactions.click(
            user, channel, ts, action_id, block_id=block_id, values=values
        )

    async def click_in_view(
        self,
        user: str,
        view_id: str,
        action_id: str,
        *,
        block_id: str | None = None,
        values: Values = NOTHING,
    ) -> Shown:
        """Press a button in an open modal or the home tab. Raises Impossible."""
        return await self.interactions.click_in_view(
            user, view_id, action_id, block_id=block_id, values=values
        )

    async def submit_view(self, user: str, view_id: str, values: Values = NOTHING) -> Shown:
        """Submit a modal; `values` by block id or action id (an option by its value).

        Raises Impossible.
        """
        return await self.interactions.submit(user, view_id, values)

    async def close_view(self, user: str, view_id: str) -> Shown:
        """Close a modal. Raises Impossible."""
        return await self.interactions.close_view(user, view_id)

    async def command(self, user: str, channel: str, command: str, text: str = "") -> Shown:
        """Type a slash command in a channel. Raises Impossible."""
        return await self.interactions.command(user, channel, command, text)

    async def open_home(self, user: str) -> Shown:
        """Open the app's home tab. Raises Impossible."""
        return await self.interactions.open_home(user)

    async def say(
        self, user: str, channel: str, text: str, thread_ts: str | None = None
    ) -> Message:
        """Write a message or a reply as a person. Raises Impossible."""
        return self.interactions.say(user, channel, text, thread_ts)

    async def messages(self, channel: str, thread_ts: str | None = None) -> list[Message]:
        """Return a channel's messages with their replies, or one thread, oldest first.

        Raises SlackError `channel_not_found`, `thread_not_found`.
        """
        timeline = self.workspace.channels.at(channel).timeline
        if thread_ts is not None:
            return copy.deepcopy(timeline.thread(thread_ts))
        return copy.deepcopy(sorted(timeline.messages.values(), key=stamp))

    async def ephemerals(self, user: str) -> list[Message]:
        """Return the messages only this person sees, oldest first."""
        return copy.deepcopy(self.workspace.ephemerals(user))

    async def views(self, user: str) -> list[View]:
        """Return the person's open modals, the topmost last."""
        return copy.deepcopy(self.workspace.modals.stack(user))

    async def home(self, user: str) -> View | None:
        """Return the person's home tab, None if the app published none."""
        return copy.deepcopy(self.workspace.modals.home(user))

    async def requests(self, method: str | None = None) -> list[Request]:
        """Return what the app asked of the Web API, oldest first; all methods unless named."""
        return self.api.log.of(method)

    async def wait_for_message(
        self, channel: str, predicate: Predicate, seconds: float = 30
    ) -> Message:
        """Return the newest message of a channel, once one satisfies `predicate`.

        Raises TimeoutError after `seconds`.
        """

        def found() -> Message | None:
            try:
                timeline = self.workspace.channels.at(channel).timeline
            except SlackError:
                return None
            return _newest(list(timeline.messages.values()), predicate)

        return await self.workspace.changes.until(found, seconds)

    async def wait_for_ephemeral(
        self, user: str, predicate: Predicate, seconds: float = 30
    ) -> Message:
        """Return the newest message only `user` sees that satisfies `predicate`.

        Raises TimeoutError after `seconds`.
        """
        return await self.workspace.changes.until(
            lambda: _newest(self.workspace.ephemerals(user), predicate), seconds
        )

    async def wait_for_view(
        self, user: str, predicate: Predicate = bool, seconds: float = 30
    ) -> View:
        """Return the person's topmost modal, once it satisfies `predicate`.

        Raises TimeoutError after `seconds`.
        """

        def found() -> View | None:
            top = self.workspace.modals.stack(user)[-1:]
            return copy.deepcopy(top[0]) if top and predicate(top[0]) else None

        return await self.workspace.changes.until(found, seconds)

    async def wait_until(self, holds: Callable[[], bool], seconds: float = 30) -> None:
        """Return once `holds()`, asked after each change of the workspace.

        Raises TimeoutError after `seconds`.
        """
        await self.workspace.changes.until(lambda: True if holds() else None, seconds)


def _newest(messages: list[Message], predicate: Predicate) -> Message | None:
    for message in reversed(messages):
        if predicate(message):
            return copy.deepcopy(message)
    return None
