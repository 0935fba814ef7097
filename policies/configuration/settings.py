"""The sections of `placet.yaml`."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, SecretStr, Tag, ValidationInfo, field_validator

from policies.configuration.capacity import CapacitySection, Drain, PatienceSection
from policies.configuration.identity_settings import Claimed, KeySection
from policies.people.quiet_hours import QuietHoursText
from policies.yaml.durations import Duration, between
from policies.yaml.fields import (
    Key,
    ListenAddress,
    Many,
    Name,
    Origin,
    PublicUrl,
    Secret,
    Text,
    Url,
    matching,
)
from policies.yaml.validation import Section, Wrong

Channel = Annotated[
    str,
    matching(
        r"[CGD][A-Z0-9]+",
        "is not a Slack channel id",
        "write the id from the channel's details, like `C0PLATFORM`",
    ),
]


class CheckpointsSection(Section):
    """Where the newest checkpoint goes `every` so often: a `file` that grows, a Slack `channel`."""

    file: str | None = None
    channel: Channel | None = None
    every: Duration = timedelta(minutes=10)

    @field_validator("every")
    @classmethod
    def _at_most_daily(cls, every: timedelta) -> timedelta:
        return between(every, least=timedelta(seconds=1), most=timedelta(days=1))


class LedgerSection(Section):
    """Where the ledger is kept: `url`, the keys of its digests and of its checkpoints.

    `checkpoints` says where copies of these go, outside of the ledger.
    """

    url: Annotated[
        str,
        Field(repr=False),  # it may hold a password
        matching(
            r"sqlite:///.+|postgresql(\+psycopg)?://.+",
            "is not a database Placet knows",
            "write `sqlite:///placet.db` or `postgresql+psycopg://user@host/database`",
        ),
    ]
    digest_key: Key | None = None
    old_digest_keys: Annotated[tuple[Key, ...], Many] = ()
    checkpoint_key: Key | None = None
    old_checkpoint_keys: Annotated[tuple[Key, ...], Many] = ()
    lost_checkpoint_keys: Annotated[tuple[Text, ...], Many] = ()
    checkpoints: CheckpointsSection | None = None

    @property
    def postgresql(self) -> bool:
        """Whether the ledger is in PostgreSQL."""
        return self.url.startswith("postgresql")


class ListenSection(Section):
    """Where agents, operators and, in mode http, Slack reach Placet."""

    agents: ListenAddress
    operations: ListenAddress
    slack: ListenAddress | None = None


class PersonSection(Section):
    """A human: a Slack id `T…/U…` or an e-mail address, the subject that tokens name, a user."""

    slack: (
        Annotated[
            str,
            matching(
                r"[TE][A-Z0-9]+/[UW][A-Z0-9]+",
                "is not a Slack id",
                "write workspace and user, like `T0ACME/U0ALICE`",
            ),
        ]
        | None
    ) = None
    subject: Claimed | None = None
    email: (
        Annotated[
            str,
            matching(
                r"[^@\s]+@[^@\s]+",
                "is not an e-mail address",
                "write one, like `alice@example.com`",
            ),
        ]
        | None
    ) = None
    shell: (
        Annotated[
            str,
            matching(
                r"[^\s:/]{1,64}",
                "is not a user's name",
                "write it as `whoami` does on the machine, like `alice`",
            ),
        ]
        | None
    ) = None


class Group(Section):
    """A Slack user group whose members may approve."""

    group: Annotated[
        str,
        matching(r"S[A-Z0-9]+", "is not a Slack user group", "write its id, like `S0PLATFORM`"),
    ]


def _approver_kind(value: Any) -> str:
    return "=group" if isinstance(value, dict | Group) else "=name"


Approver = Annotated[
    Annotated[Name, Tag("=name")] | Annotated[Group, Tag("=group")], Discriminator(_approver_kind)
]


class TeamSection(Section):
    """Who is responsible: a channel, approvers, and the team to escalate to, and when.

    `break_glass` are the people who may approve alone in an emergency,
    `quiet_hours` are those in which the team is not reminded of what waits.
    """

    channel: Channel
    approvers: Annotated[tuple[Approver, ...], Many]
    escalate_to: Name | None = None
    break_glass: Annotated[tuple[Name, ...], Many] = ()
    escalate_after: Duration | None = None
    quiet_hours: QuietHoursText | None = None

    @field_validator("escalate_after")
    @classmethod
    def _at_most_weekly(cls, after: timedelta | None) -> timedelta | None:
        return after and between(after, least=timedelta(seconds=1), most=timedelta(days=7))

    @property
    def people(self) -> tuple[str, ...]:
        """The approvers named one by one."""
        return tuple(each for each in self.approvers if isinstance(each, str))

    @property
    def groups(self) -> tuple[str, ...]:
        """The ids of the approvers' user groups."""
        return tuple(each.group for each in self.approvers if isinstance(each, Group))


class AgentSection(KeySection):
    """A caller: its team, its owner, and how it is known: by a key, by tokens, or not at all.

    Tokens name it by `client_id`; `subject` is whom they name where it acts
    for itself and not for a person, which is its `client_id` unless written.
    `hold` is how long a call of it waits for people before it is told
    "pending", where that is not what suits most clients; `held_calls` how many
    wait so at once.
    """

    team: Name
    owner: Name
    client_id: Claimed | None = None
    subject: Claimed | None = None
    anonymous: bool = False
    on_behalf_of: Name | None = None
    hold: Duration | None = None
    held_calls: Annotated[int, Field(ge=0)] | None = None

    @field_validator("hold")
    @classmethod
    def _within_a_day(cls, hold: timedelta | None) -> timedelta | None:
        return hold and between(hold, least=timedelta(0), most=timedelta(hours=24))


LONGEST_HOLD = timedelta(seconds=4)
"""How long a call is held in silence at most."""

DENIALS = (
    "Not now",
    "Wrong environment",
    "These arguments look wrong",
    "More than this agent should do",
    "Talk to me first",
)
"""What is offered as a reason of a no where the configuration says nothing."""

Denial = Annotated[str, Field(min_length=1, max_length=75)]


class SlackSection(Section):
    """How Slack is reached; `api_url` ends with a slash.

    With `match_email` people without a Slack id are known by their `email`.
    `denials` are the reasons that can be chosen with a no, up to 20. What an
    agent asks after `group_after` cards in a minute shares cards; 0 is never.
    """

    mode: Literal["socket", "http", "local"]
    match_email: bool = False
    group_after: Annotated[int, Field(ge=0, le=1000)] = 5
    denials: Annotated[tuple[Denial, ...], Many, Field(max_length=20)] = DENIALS
    bot_token: Secret | None = None
    app_token: Secret | None = None
    signing_secret: Secret | None = None
    api_url: Url = "https://slack.com/api/"

    @field_validator("bot_token", "app_token")
    @classmethod
    def _of_its_kind(cls, token: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        own, other = ("xoxb-", "xapp-") if info.field_name == "bot_token" else ("xapp-", "xoxb-")
        if token is not None and token.get_secret_value().startswith(other):
            what = f"begins with `{other}`, so it is the other token"
            raise Wrong(what, f"write the one that begins with `{own}`")
        return token

    @field_validator("api_url")
    @classmethod
    def _slashed(cls, url: str) -> str:
        return url if url.endswith("/") else f"{url}/"


class GatewaySection(Section):
    """How long a call is held in silence (up to 4 s), and how many of one agent are held at once.

    Where callers reach us and who may, and how large a body may be (bytes). How
    much is taken on at once, how long callers are waited for, and how long calls
    under way may take once the process is to end (`drain`). How long callers that
    run their calls themselves have to say how one ended (`report_within`).
    """

    hold: Duration = timedelta(seconds=4)
    held_calls: Annotated[int, Field(ge=0)] = 1000
    public_url: PublicUrl | None = None
    allowed_origins: Annotated[tuple[Origin, ...], Many] = ()
    allowed_hosts: Annotated[tuple[Text, ...], Many] = ()
    body_limit: Annotated[int, Field(ge=1024, le=64 * 1024 * 1024)] = 4 * 1024 * 1024
    drain: Drain = timedelta(seconds=10)
    report_within: Duration = timedelta(hours=1)
    capacity: CapacitySection = CapacitySection()
    patience: PatienceSection = PatienceSection()

    @field_validator("hold")
    @classmethod
    def _short(cls, hold: timedelta) -> timedelta:
        return between(hold, least=timedelta(0), most=LONGEST_HOLD)

    @field_validator("report_within")
    @classmethod
    def _within_a_week(cls, within: timedelta) -> timedelta:
        return between(within, least=timedelta(seconds=1), most=timedelta(days=7))
