"""The workspace as it is now, and every way in which it changes."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bot.workspace.changes import Changes
from bot.workspace.channels import Channel, Channels
from bot.workspace.journal import Journal
from bot.workspace.messages import Message, Stamps
from bot.workspace.modals import Modals
from bot.workspace.people import People
from bot.workspace.spec import WorkspaceSpec
from bot.workspace.tickets import Tickets


class Workspace:
    """People, channels, messages, views; changes are published, messages journalled.

    `now` gives seconds since 1970, `clock` seconds that never go back.
    """

    def __init__(
        self,
        spec: WorkspaceSpec,
        *,
        now: Callable[[], float],
        clock: Callable[[], float],
        journal: Path | None = None,
    ) -> None:
        self.spec = spec
        self.now = now
        self.people = People(spec)
        self.channels = Channels(spec.channels)
        self.changes = Changes()
        self.stamps = Stamps(now)
        self.modals = Modals(spec, new_id)
        self.tickets = Tickets(clock, new_id)
        self._ephemerals: dict[str, list[Message]] = {}
        self._journal = Journal(journal) if journal else None
        self._recall()

    def put(self, channel: Channel, message: Message) -> Message:
        """Post a message or show its new version."""
        channel.timeline.put(message)
        self._write({"message": message, "channel": channel.id})
        self._show(channel, message)
        return message

    def delete(self, channel: Channel, ts: str) -> None:
        """Delete a message. Raises SlackError `message_not_found`."""
        thread = channel.timeline.at(ts).get("thread_ts")
        channel.timeline.remove(ts)
        self._write({"deleted": ts, "channel": channel.id})
        self.changes.publish("deleted", audience=channel.audience(), channel=channel.id, ts=ts)
        if thread in channel.timeline.messages:
            self._show(channel, channel.timeline.at(thread))

    def direct(self, user: str) -> Channel:
        """Return the direct conversation of the bot and a person."""
        channel = self.channels.direct((user, self.spec.bot_user_id))
        if not channel.timeline.messages:
            self._write({"direct": user})
        return channel

    def whisper(self, user: str, message: Message) -> Message:
        """Show a message to one person only, until that person leaves the page."""
        self._ephemerals.setdefault(user, []).append(message)
        self.changes.publish("ephemeral", audience=frozenset({user}), message=message)
        return message

    def ephemerals(self, user: str) -> list[Message]:
        """Return what only this person sees, oldest first."""
        return list(self._ephemerals.get(user, []))

    def dismiss(self, user: str, ts: str) -> None:
        """Take away a message that only this person sees."""
        kept = [message for message in self.ephemerals(user) if message["ts"] != ts]
        self._ephemerals[user] = kept
        self.changes.publish("dismissed", audience=frozenset({user}), ts=ts)

    def show_views(self, user: str) -> None:
        """Tell the person's page which views are open and what the home tab is."""
        self.changes.publish(
            "views",
            audience=frozenset({user}),
            views=self.modals.stack(user),
            home=self.modals.home(user),
        )

    def show_places(self) -> None:
        """Tell every page that channels, members, people or groups changed."""
        self.changes.publish("places")

    def close(self) -> None:
        """End feeds and close the journal."""
        self.changes.close()
        if self._journal:
            self._journal.close()

    def _show(self, channel: Channel, message: Message) -> None:
        timeline = channel.timeline
        shown = [message]
        if message.get("thread_ts", message["ts"]) != message["ts"]:
            shown += [m for m in (timeline.messages.get(message["thread_ts"]),) if m]
        for each in shown:
            self.changes.publish(
                "message",
                audience=channel.audience(),
                channel=channel.id,
                message=timeline.shown(each),
            )

    def _write(self, entry: dict[str, Any]) -> None:
        if self._journal:
            self._journal.append(entry)

    def _recall(self) -> None:
        if self._journal is None:
            return
        for entry in self._journal.read():
            self._redo(entry)
        self._journal.rewrite(self._entries())

    def _redo(self, entry: dict[str, Any]) -> None:
        known = {channel.id: channel for channel in self.channels.all()}
        match entry:
            case {"direct": user}:
                self.channels.direct((user, self.spec.bot_user_id))
            case {"message": message, "channel": channel} if channel in known:
                known[channel].timeline.put(message)
                self.stamps.seen(message["ts"])
            case {"deleted": ts, "channel": channel} if channel in known and (
                ts in known[channel].timeline.messages
            ):
                known[channel].timeline.remove(ts)

    def _entries(self) -> Iterator[dict[str, Any]]:
        for channel in self.channels.all():
            if channel.is_im:
                others = [m for m in channel.members if m != self.spec.bot_user_id]
                yield {"direct": others[0]}
            for message in channel.timeline.messages.values():
                yield {"message": message, "channel": channel.id}


def new_id() -> str:
    """Return a new random id of ten hexadecimal digits."""
    return secrets.token_hex(5)
