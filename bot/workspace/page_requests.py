"""What the page asks to be done for a person, as JSON."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.workspace.interactions import Interactions, Shown

TEXT_AT_MOST = 4_000


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    user: str
    values: dict[str, Any] = Field(default_factory=dict)


class ClickInMessage(_Request):
    """Press a button or choose from a menu in a message."""

    do: Literal["click"]
    channel: str
    ts: str
    action: str
    block: str

    async def apply(self, interactions: Interactions) -> Shown:
        """Do it. Raises Impossible."""
        return await interactions.click(
            self.user,
            self.channel,
            self.ts,
            self.action,
            block_id=self.block,
            values=self.values,
        )


class ClickInView(_Request):
    """Press a button or choose from a menu in a modal or the home tab."""

    do: Literal["click-in-view"]
    view: str
    action: str
    block: str

    async def apply(self, interactions: Interactions) -> Shown:
        """Do it. Raises Impossible."""
        return await interactions.click_in_view(
            self.user, self.view, self.action, block_id=self.block, values=self.values
        )


class Submit(_Request):
    """Submit a modal."""

    do: Literal["submit"]
    view: str

    async def apply(self, interactions: Interactions) -> Shown:
        """Do it. Raises Impossible."""
        return await interactions.submit(self.user, self.view, self.values)


class Close(_Request):
    """Close a modal."""

    do: Literal["close"]
    view: str

    async def apply(self, interactions: Interactions) -> Shown:
        """Do it. Raises Impossible."""
        return await interactions.close_view(self.user, self.view)


class Command(_Request):
    """Type a slash command."""

    do: Literal["command"]
    channel: str
    command: str
    text: str = ""

    async def apply(self, interactions: Interactions) -> Shown:
        """Do it. Raises Impossible."""
        return await interactions.command(self.user, self.channel, self.command, self.text)


class Say(_Request):
    """Write a message or a reply."""

    do: Literal["say"]
    channel: str
    text: str = Field(min_length=1, max_length=TEXT_AT_MOST)
    thread: str | None = None

    async def apply(self, interactions: Interactions) -> Shown:
        """Do it. Raises Impossible."""
        interactions.say(self.user, self.channel, self.text, self.thread)
        return Shown()


class Dismiss(_Request):
    """Take away a message only this person sees."""

    do: Literal["dismiss"]
    ts: str

    async def apply(self, interactions: Interactions) -> Shown:
        """Do it."""
        interactions.workspace.dismiss(self.user, self.ts)
        return Shown()


class OpenHome(_Request):
    """Open the app's home tab."""

    do: Literal["home"]

    async def apply(self, interactions: Interactions) -> Shown:
        """Do it. Raises Impossible."""
        return await interactions.open_home(self.user)


PageRequest = Annotated[
    ClickInMessage | ClickInView | Submit | Close | Command | Say | Dismiss | OpenHome,
    Field(discriminator="do"),
]
