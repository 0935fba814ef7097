"""Says how each server that a scan looks at can be reached, and how it would be written down."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from pydantic import SecretStr

from gateway.configured_upstreams import upstreams_of
from gateway.servers.http_upstream import HttpUpstream
from gateway.servers.sse_upstream import SseUpstream
from gateway.servers.turns import Bounds
from gateway.started.bridge import Bridge
from gateway.started.stdio_server import ServerCommand
from gateway.upstreams import Upstream
from policies.configuration.client_files import (
    ClientServer,
    ReachedServer,
    StartedServer,
    UnusableServer,
)
from policies.configuration.declared_tools import ExternalServer
from policies.configuration.servers import Server
from policies.scans.starter import TEAM
from policies.scans.starter_servers import Section, section_of, server_name
from policies.values.inert import inert_line


@dataclass(frozen=True)
class Way:
    """One way to a server, and what its section is where that way leads to it."""

    upstream: Callable[[], Upstream]
    section: Section | None


@dataclass(frozen=True)
class Target:
    """A server to look at: the ways to it, tried in order, or a `failure` where it has none."""

    name: str
    ways: Sequence[Way] = ()
    trusted: bool = False
    failure: str | None = None


@dataclass(frozen=True)
class Reaching:
    """What all servers of a scan share: our environment, what of it passes, seconds of patience."""

    environment: Mapping[str, str]
    passed: Sequence[str]
    patience: float

    @property
    def bounds(self) -> Bounds:
        """How long a server is waited for."""
        return Bounds(connect=min(10.0, self.patience), silence=self.patience)


def client_targets(servers: Sequence[ClientServer], reaching: Reaching) -> list[Target]:
    """Return the servers of a client's file, under names that `placet.yaml` takes, each its own."""
    taken: set[str] = set()
    targets = []
    for server in servers:
        name = plain = server_name(server.name)
        for count in range(2, len(servers) + 2):
            if name not in taken:
                break
            name = f"{plain[:60]}-{count}"
        taken.add(name)
        targets.append(target_of(name, server, reaching))
    return targets


def target_of(name: str, server: ClientServer, reaching: Reaching) -> Target:
    """Return how a server is reached that a client's file or the command line describes."""
    match server:
        case UnusableServer():
            return Target(name, failure=f"`{inert_line(name, 80)}`: {server.why}")
        case StartedServer():
            told = StartedServer(name, server.command, server.env, server.cwd)
            return Target(name, [Way(lambda: _bridge(told, reaching), section_of(told, TEAM))])
        case ReachedServer():
            return Target(name, _ways(name, server, reaching))
        case _:
            assert_never(server)


def configured_target(name: str, server: Server, reaching: Reaching) -> Target:
    """Return how a server of `placet.yaml` is reached."""
    if isinstance(server, ExternalServer):
        return Target(name, failure=f"`{name}` is run by whoever asks about its calls")
    ways = [Way(lambda: upstreams_of({name: server}, reaching.environment)[name], None)]
    return Target(name, ways, trusted=server.trusted)


def _bridge(server: StartedServer, reaching: Reaching) -> Bridge:
    command = ServerCommand(
        name=server.name,
        command=server.command,
        environment=reaching.environment,
        added=_shown(server.env),
        cwd=server.cwd,
        passed=reaching.passed,
    )
    return Bridge(command, silence=reaching.patience, start=reaching.patience)


def _ways(name: str, server: ReachedServer, reaching: Reaching) -> list[Way]:
    headers = _shown(server.headers)

    def http() -> Upstream:
        return HttpUpstream(name, server.url, headers, bounds=reaching.bounds)

    def events() -> Upstream:
        return SseUpstream(name, server.url, headers, reaching.bounds)

    modern = ReachedServer(name, server.url, server.headers)
    old = ReachedServer(name, server.url, server.headers, old=True)
    over_events = Way(events, section_of(old, TEAM))
    return [over_events] if server.old else [Way(http, section_of(modern, TEAM)), over_events]


def _shown(secrets: Mapping[str, SecretStr]) -> dict[str, str]:
    return {name: value.get_secret_value() for name, value in secrets.items()}
