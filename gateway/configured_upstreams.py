"""Makes the way to each server that the configuration names."""

from collections.abc import Mapping
from typing import assert_never

from pydantic import SecretStr

from gateway.servers.http_upstream import HttpUpstream
from gateway.servers.turns import Bounds
from gateway.started.bridge import Bridge
from gateway.started.bridges import Bridges
from gateway.started.stdio_server import ServerCommand
from gateway.upstreams import Upstream
from policies.configuration.declared_tools import ExternalServer
from policies.configuration.servers import HttpServer, Server, StdioServer


def upstreams_of(
    servers: Mapping[str, Server], environment: Mapping[str, str]
) -> dict[str, Upstream]:
    """Return the ways by the servers' names; nothing is opened or started.

    `environment` is ours, of which started servers get what is theirs. There
    is none to an external server: whoever asks about its calls runs them.
    """
    return {
        name: _upstream(name, server, environment)
        for name, server in servers.items()
        if not isinstance(server, ExternalServer)
    }


def _upstream(
    name: str, server: HttpServer | StdioServer, environment: Mapping[str, str]
) -> Upstream:
    match server:
        case HttpServer():
            return _reached(name, server)
        case StdioServer():
            return _started(name, server, environment)
        case _:
            assert_never(server)


def _reached(name: str, server: HttpServer) -> Upstream:
    return HttpUpstream(
        name,
        server.url,
        _shown(server.headers),
        bounds=Bounds(
            connect=server.connect_timeout.total_seconds(),
            silence=server.timeout.total_seconds(),
            most=server.max_connections,
        ),
        agents={agent: _shown(own.headers) for agent, own in server.agents.items()},
    )


def _started(name: str, server: StdioServer, environment: Mapping[str, str]) -> Upstream:
    def bridge(env: Mapping[str, SecretStr]) -> Bridge:
        command = ServerCommand(
            name=name,
            command=server.command,
            environment=environment,
            added=_shown({**server.env, **env}),
            cwd=server.cwd,
            passed=server.pass_env,
        )
        return Bridge(command, silence=server.timeout.total_seconds())

    if not server.agents:
        return bridge({})
    return Bridges(bridge({}), {agent: bridge(own.env) for agent, own in server.agents.items()})


def _shown(secrets: Mapping[str, SecretStr]) -> dict[str, str]:
    return {name: value.get_secret_value() for name, value in secrets.items()}
