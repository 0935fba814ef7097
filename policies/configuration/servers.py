"""The sections of `placet.yaml` that name servers: how each is reached, and whose it is."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, SecretStr, Tag, field_validator

from policies.configuration.declared_tools import ExternalServer
from policies.yaml.durations import Duration, between
from policies.yaml.fields import Many, Name, Secret, Text, Url, matching
from policies.yaml.validation import Section, Wrong

_OWN_HEADERS = frozenset(
    (
        "accept", "connection", "content-encoding", "content-length", "content-type", "expect",
        "host", "keep-alive", "last-event-id", "mcp-method", "mcp-name", "mcp-protocol-version",
        "mcp-session-id", "te", "trailer", "transfer-encoding", "upgrade",
    )
)  # fmt: skip


def _header(name: str) -> str:
    if name.lower() in _OWN_HEADERS:
        raise Wrong("is a header that Placet sets itself", "remove it")
    return name


HeaderName = Annotated[
    str,
    matching(
        r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", "is not a header name", "write it like `Authorization`"
    ),
    AfterValidator(_header),
]


def _distinct(headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
    if len({name.lower() for name in headers}) < len(headers):
        raise Wrong("names a header twice, in upper and lower case", "keep one")
    return headers


Headers = Annotated[dict[HeaderName, Secret], AfterValidator(_distinct)]

VariableName = Annotated[
    str,
    matching(r"[A-Za-z_][A-Za-z0-9_]*", "is not a variable name", "write it like `API_KEY`"),
]


class OwnHeaders(Section):
    """What one agent's requests carry, in the place of the server's `headers` or besides."""

    headers: Headers


class OwnEnvironment(Section):
    """What the environment of one agent's own process has, instead of the server's or besides."""

    env: dict[VariableName, SecretStr]


class ServerSection(Section):
    """What all servers have: the team whose they are, and how long their silence is borne.

    `timeout` is how long a server may say nothing while a request waits for
    it. Where it is to `observe`, calls are decided and recorded, and none is
    blocked.
    """

    team: Name
    trusted: bool = False
    observe: bool = False
    timeout: Duration = timedelta(hours=1)

    @field_validator("timeout")
    @classmethod
    def _within_a_week(cls, timeout: timedelta) -> timedelta:
        return between(timeout, least=timedelta(milliseconds=100), most=timedelta(days=7))


class HttpServer(ServerSection):
    """An MCP server reached over streamable HTTP; `headers` go with every request.

    Those of single `agents` may be others. `connect_timeout` is how long
    connecting may take. So many requests as `max_connections` are under way
    at it at once; others wait.
    """

    url: Url
    headers: Headers = Field(default_factory=dict)
    agents: dict[Name, OwnHeaders] = Field(default_factory=dict)
    connect_timeout: Duration = timedelta(seconds=5)
    max_connections: Annotated[int, Field(ge=1, le=100_000)] = 1024

    @field_validator("connect_timeout")
    @classmethod
    def _within_minutes(cls, timeout: timedelta) -> timedelta:
        return between(timeout, least=timedelta(milliseconds=100), most=timedelta(minutes=5))


def _program(command: tuple[str, ...]) -> tuple[str, ...]:
    if not command:
        raise Wrong("is an empty list", "name the program to start")
    return command


class StdioServer(ServerSection):
    """An MCP server started as a command.

    Its environment is `env`, and of ours a few variables and those that
    `pass_env` names. For each of `agents` another process runs.
    """

    command: Annotated[tuple[Text, ...], Many, AfterValidator(_program)]
    env: dict[VariableName, SecretStr] = Field(default_factory=dict)
    pass_env: Annotated[tuple[VariableName, ...], Many] = ()
    agents: dict[Name, OwnEnvironment] = Field(default_factory=dict)
    cwd: Text | None = None


def _server_kind(value: Any) -> str:
    keys = value if isinstance(value, dict) else getattr(type(value), "model_fields", {})
    if "external" in keys:
        return "=external"
    return "=stdio" if "command" in keys else "=http"


Server = Annotated[
    Annotated[HttpServer, Tag("=http")]
    | Annotated[StdioServer, Tag("=stdio")]
    | Annotated[ExternalServer, Tag("=external")],
    Discriminator(_server_kind),
]
