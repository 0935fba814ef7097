"""What a test may ask of the control API, as JSON."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.workspace.disturbing import Disturbing
from bot.workspace.faults import (
    AnswerError,
    AnswerStatus,
    CutConnection,
    Delay,
    Fault,
    Hang,
    LoseAnswer,
    RateLimit,
)
from bot.workspace.spec import WorkspaceChannel, WorkspaceUser


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FailNext(_Request):
    """Let the next `times` calls of `method` go wrong; the fault is named by its one member."""

    do: Literal["fail_next"]
    method: str
    times: int = Field(1, ge=1, le=1_000_000)
    error: str | None = None
    status: int | None = None
    retry_after: int | None = None
    hang: float | None = None
    delay: float | None = None
    cut: bool = False
    lose_answer: bool = False

    def fault(self) -> Fault:
        """Return the fault asked for. Raises ValueError unless exactly one is."""
        asked: list[Fault] = []
        if self.error is not None:
            asked.append(AnswerError(self.error))
        if self.status is not None:
            asked.append(AnswerStatus(self.status))
        if self.retry_after is not None:
            asked.append(RateLimit(self.retry_after))
        if self.hang is not None:
            asked.append(Hang(self.hang))
        if self.delay is not None:
            asked.append(Delay(self.delay))
        asked += [CutConnection()] * self.cut + [LoseAnswer()] * self.lose_answer
        if len(asked) != 1:
            raise ValueError("name exactly one fault")
        return asked[0]

    async def apply(self, workspace: Disturbing) -> None:
        """Do it."""
        await workspace.fail_next(self.method, self.fault(), self.times)


class Outage(_Request):
    """Begin an outage."""

    do: Literal["outage"]
    refuse: bool = False

    async def apply(self, workspace: Disturbing) -> None:
        """Do it."""
        await workspace.outage(refuse=self.refuse)


class Simple(_Request):
    """Do what needs no more words."""

    do: Literal[
        "recover",
        "clear_faults",
        "duplicate_next",
        "drop_sockets",
        "deafen_sockets",
        "disconnect_sockets",
    ]

    async def apply(self, workspace: Disturbing) -> None:
        """Do it."""
        match self.do:
            case "recover":
                await workspace.recover()
            case "clear_faults":
                await workspace.clear_faults()
            case "duplicate_next":
                await workspace.duplicate_next()
            case "drop_sockets":
                await workspace.drop_sockets()
            case "deafen_sockets":
                await workspace.deafen_sockets()
            case "disconnect_sockets":
                await workspace.disconnect_sockets()


class AddChannel(_Request):
    """Create a channel."""

    do: Literal["add_channel"]
    id: str
    name: str
    members: tuple[str, ...] = ()
    is_private: bool = False

    async def apply(self, workspace: Disturbing) -> None:
        """Do it."""
        channel = WorkspaceChannel(self.id, self.name, self.members, is_private=self.is_private)
        await workspace.add_channel(channel)


class ChangeChannel(_Request):
    """Remove or archive a channel, or bring it back."""

    do: Literal["remove_channel", "archive", "unarchive"]
    channel: str

    async def apply(self, workspace: Disturbing) -> None:
        """Do it. Raises SlackError `channel_not_found`."""
        if self.do == "remove_channel":
            await workspace.remove_channel(self.channel)
        else:
            await workspace.archive(self.channel, archived=self.do == "archive")


class ChangeMembers(_Request):
    """Let a user join or leave a channel."""

    do: Literal["join", "leave"]
    channel: str
    user: str

    async def apply(self, workspace: Disturbing) -> None:
        """Do it. Raises SlackError."""
        await (workspace.join if self.do == "join" else workspace.leave)(self.channel, self.user)


class AddUser(_Request):
    """Add a user."""

    do: Literal["add_user"]
    id: str
    name: str
    display_name: str = ""
    is_bot: bool = False
    is_restricted: bool = False
    is_stranger: bool = False
    team_id: str | None = None

    async def apply(self, workspace: Disturbing) -> None:
        """Do it."""
        await workspace.add_user(WorkspaceUser(**self.model_dump(exclude={"do"})))


class ChangeUser(_Request):
    """Change what is known of a user."""

    do: Literal["change_user"]
    user: str
    display_name: str | None = None
    deleted: bool | None = None
    is_bot: bool | None = None
    is_restricted: bool | None = None
    is_ultra_restricted: bool | None = None
    is_stranger: bool | None = None
    team_id: str | None = None

    async def apply(self, workspace: Disturbing) -> None:
        """Do it. Raises SlackError `user_not_found`."""
        changed = self.model_dump(exclude={"do", "user"}, exclude_none=True)
        await workspace.change_user(self.user, **changed)


class SetUsergroup(_Request):
    """Give a user group these members; none at all (null) takes it away."""

    do: Literal["set_usergroup"]
    group: str
    users: tuple[str, ...] | None

    async def apply(self, workspace: Disturbing) -> None:
        """Do it."""
        await workspace.set_usergroup(self.group, self.users)


ControlRequest = Annotated[
    FailNext
    | Outage
    | Simple
    | AddChannel
    | ChangeChannel
    | ChangeMembers
    | AddUser
    | ChangeUser
    | SetUsergroup,
    Field(discriminator="do"),
]
