"""Channels and direct conversations with their members, as they are now."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.workspace.errors import SlackError
from bot.workspace.messages import Timeline
from bot.workspace.spec import WorkspaceChannel


@dataclass
class Channel:
    """A channel, or a direct conversation when `is_im`; members are user ids."""

    id: str
    name: str
    members: list[str] = field(default_factory=list)
    is_private: bool = False
    is_archived: bool = False
    is_im: bool = False
    topic: str = ""
    timeline: Timeline = field(default_factory=Timeline)

    @classmethod
    def of(cls, spec: WorkspaceChannel) -> "Channel":
        """Return the channel a specification asks for."""
        members = list(spec.members)
        return cls(spec.id, spec.name, members, is_private=spec.is_private, topic=spec.topic)

    def audience(self) -> frozenset[str] | None:
        """Return the only user ids that may see it, or None where anybody may look in."""
        return frozenset(self.members) if self.is_private or self.is_im else None

    def open_to(self, user: str) -> bool:
        """Tell whether `user` may see the channel and what is in it."""
        audience = self.audience()
        return audience is None or user in audience


class Channels:
    """Every channel of the workspace, by id."""

    def __init__(self, specs: Iterable[WorkspaceChannel]) -> None:
        self._channels = {spec.id: Channel.of(spec) for spec in specs}

    def all(self) -> list[Channel]:
        """Return the channels in the order in which they were made."""
        return list(self._channels.values())

    def at(self, channel: str) -> Channel:
        """Return the channel of an id or `#name`. Raises SlackError `channel_not_found`."""
        if channel in self._channels:
            return self._channels[channel]
        if channel.startswith("#"):
            for each in self._channels.values():
                if each.name == channel[1:] and not each.is_im:
                    return each
        raise SlackError("channel_not_found")

    def seen_by(self, user: str, channel: str) -> Channel:
        """Return a channel `user` may see. Raises SlackError `channel_not_found`."""
        found = self.at(channel)
        if not found.open_to(user):
            raise SlackError("channel_not_found")
        return found

    def add(self, channel: Channel) -> Channel:
        """Add a channel; one with its id is replaced."""
        self._channels[channel.id] = channel
        return channel

    def remove(self, channel: str) -> Channel:
        """Take a channel away with all its messages. Raises SlackError `channel_not_found`."""
        return self._channels.pop(self.at(channel).id)

    def direct(self, users: Iterable[str]) -> Channel:
        """Return the direct conversation of these users, made when it is not there yet."""
        members = sorted(set(users))
        for channel in self._channels.values():
            if channel.is_im and sorted(channel.members) == members:
                return channel
        name = "D0" + "".join(member.removeprefix("U0") for member in members)
        return self.add(Channel(name, name.lower(), members, is_im=True))
