"""What a local workspace is made of: its people, channels, user groups and one app."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

EVERY_SCOPE = frozenset(
    {
        "channels:history",
        "channels:join",
        "channels:read",
        "chat:write",
        "commands",
        "groups:history",
        "groups:read",
        "im:history",
        "im:read",
        "im:write",
        "reactions:write",
        "team:read",
        "usergroups:read",
        "users:read",
        "users:read.email",
    }
)


@dataclass(frozen=True)
class WorkspaceUser:
    """A member of the workspace, or a stranger from another one (`team_id` differs).

    Their `email` is shown to tokens with the scope `users:read.email` only.
    """

    id: str
    name: str
    display_name: str = ""
    is_bot: bool = False
    deleted: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    team_id: str | None = None
    email: str = ""
    is_email_confirmed: bool = True


@dataclass(frozen=True)
class WorkspaceChannel:
    """A channel; the bot may post there only if `members` (user ids) names it too."""

    id: str
    name: str
    members: tuple[str, ...] = ()
    is_private: bool = False
    topic: str = ""


@dataclass(frozen=True)
class SlashCommand:
    """A command of the app as its manifest declares it."""

    command: str
    description: str = ""
    usage_hint: str = ""
    should_escape: bool = False


@dataclass(frozen=True)
class WorkspaceSpec:
    """All that a local workspace starts with.

    `usergroups` maps a group's id to the ids of its users, `usergroup_handles` to its
    @-name. `scopes` are those of the bot token: hand in the manifest's, and a method
    that needs another one answers `missing_scope` as Slack does. `home_tab` tells whether
    the app has one.

    Raises ValueError naming everything that is wrong.
    """

    team_id: str
    users: Sequence[WorkspaceUser]
    channels: Sequence[WorkspaceChannel]
    bot_token: str
    app_token: str
    bot_user_id: str
    usergroups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    app_id: str = "A0PLACET"
    bot_id: str = "B0PLACET"
    app_name: str = "Placet"
    team_name: str = "Local workspace"
    team_domain: str = "local"
    usergroup_handles: Mapping[str, str] = field(default_factory=dict)
    commands: Sequence[SlashCommand] = ()
    scopes: frozenset[str] = EVERY_SCOPE
    home_tab: bool = False

    def __post_init__(self) -> None:
        wrong = list(_faults_of(self))
        if wrong:
            raise ValueError("the workspace cannot be built: " + "; ".join(wrong))


def _faults_of(spec: WorkspaceSpec) -> Iterator[str]:
    ids = [user.id for user in spec.users]
    known = set(ids)
    yield from _repeated("user", ids)
    yield from _repeated("channel", [channel.id for channel in spec.channels])
    yield from _repeated("channel name", [channel.name for channel in spec.channels])
    if spec.bot_user_id not in known:
        yield f"the bot's user `{spec.bot_user_id}` is not among the users"
    for channel in spec.channels:
        yield from _strangers(f"channel `{channel.id}`", channel.members, known)
    for group, members in spec.usergroups.items():
        yield from _strangers(f"user group `{group}`", members, known)
    if not spec.bot_token or not spec.app_token or spec.bot_token == spec.app_token:
        yield "bot token and app token must be two different non-empty strings"


def _repeated(what: str, names: Iterable[str]) -> Iterator[str]:
    for name, times in Counter(names).items():
        if times > 1:
            yield f"{what} `{name}` is given {times} times"


def _strangers(where: str, members: Iterable[str], known: set[str]) -> Iterator[str]:
    for member in members:
        if member not in known:
            yield f"{where} names `{member}`, who is not among the users"
