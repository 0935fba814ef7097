"""Puts the gateway together, starts it and ends it without losing what is under way."""

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web
from prometheus_client import CollectorRegistry

from gateway.admission import Premises
from gateway.aftermath import Aftermath
from gateway.bridge import Bridge
from gateway.call_ids import CallIds
from gateway.crowd import Crowd
from gateway.dispatching import Dispatcher
from gateway.doors import DoorsRunner
from gateway.endpoint import Endpoint, Parts
from gateway.examining import Examiner
from gateway.gate import Gate, PolicyInForce
from gateway.http_upstream import HttpUpstream
from gateway.identity import Identity
from gateway.ladder import Ladder
from gateway.meters import Meters
from gateway.outcomes import Outcomes
from gateway.passing import Passage, Served
from gateway.patience import Pace, Patience
from gateway.resuming import Resumable
from gateway.sessions import Sessions
from gateway.stdio_server import ServerCommand
from gateway.tool_calls import ToolCalls
from gateway.toolbox import Toolbox
from gateway.upstreams import Upstream
from gateway.waiting import WaitingRoom
from ledger.approvals import ApprovalStatus
from ledger.ledger import Ledger
from policies.configuration import Configuration
from policies.digests import DigestKey
from policies.settings import HttpServer, StdioServer

_OTHER_FILES = 128
"""Files and connections that are none of callers and servers."""

_LOG = logging.getLogger(__name__)

_REMEMBERED = (
    ApprovalStatus.PENDING,
    ApprovalStatus.APPROVED,
    ApprovalStatus.DENIED,
    ApprovalStatus.EXPIRED,
    ApprovalStatus.CANCELLED,
    ApprovalStatus.VOIDED,
    ApprovalStatus.LAPSED,
)


@dataclass(frozen=True)
class World:
    """What the root hands in: everything the gateway does not make itself.

    `keys` are those of the digests, the one in force first. `environment` is
    that of this process, of which started servers get a few variables.
    `descriptors` is how many files and connections may be open at once; each
    call may need two. `reach` is called where a test may kill the process.
    `pace` is how often held callers hear of it.
    """

    configuration: Configuration
    ledger: Ledger
    policy: PolicyInForce
    keys: Sequence[DigestKey]
    registry: CollectorRegistry
    now: Callable[[], datetime]
    environment: Mapping[str, str] = field(default_factory=dict)
    unsafe_no_auth: bool = False
    descriptors: int = 65_536
    reach: Callable[[str], None] = lambda _: None
    pace: Pace = field(default_factory=Pace)


class Gateway:
    """The MCP endpoint with all behind it; `application` serves `/mcp/{server}`."""

    def __init__(self, world: World, upstreams: Mapping[str, Upstream] | None = None) -> None:
        """Put the parts together; `upstreams` are made from the configuration by default."""
        configuration, ledger = world.configuration, world.ledger
        self._ledger = ledger
        self._section = configuration.gateway
        self._descriptors = world.descriptors
        self._upstreams = upstreams if upstreams is not None else upstreams_of(world)
        self._toolboxes = {
            name: Toolbox(name, upstream, ledger, lambda: f"tools:{uuid.uuid4()}")
            for name, upstream in self._upstreams.items()
        }
        self._identity = _identity(world)
        self._outcomes = Outcomes(ledger, world.reach)
        self._patience = Patience(configuration)
        self._room = WaitingRoom(ledger, self._patience.held_calls)
        self._aftermath = Aftermath(ledger.instance, configuration.gateway.hold)
        sessions, resumable = Sessions(world.keys), Resumable()
        self._passage = Passage(sessions, resumable)
        meters = Meters(world.registry)
        meters.show_held(lambda: self._room.held)
        self._dispatcher = Dispatcher(self._outcomes, self._passage, resumable, meters, world.reach)
        self._endpoint = Endpoint(self._parts(world, sessions, meters))
        self._observing: list[Callable[[], None]] = []
        self.application = _application(self._endpoint)

    def _parts(self, world: World, sessions: Sessions, meters: Meters) -> Parts:
        configuration, ledger = world.configuration, world.ledger
        examiner = _examiner(world)
        gate = Gate(ledger, world.policy, examiner, self._toolboxes, self._outcomes, world.reach)
        calls = ToolCalls(
            ledger,
            gate,
            self._room,
            self._aftermath,
            meters,
            world.now,
            self._patience,
            configuration.directory(),
        )
        return Parts(
            premises=Premises.of(
                configuration.listen.agents,
                configuration.gateway.allowed_hosts,
                configuration.gateway.allowed_origins,
            ),
            identity=self._identity,
            sessions=sessions,
            servers={
                name: Served(name, upstream, self._toolboxes[name])
                for name, upstream in self._upstreams.items()
            },
            ladder=Ladder(calls, self._dispatcher, self._patience, world.pace, world.reach),
            passage=self._passage,
            room=self._room,
            meters=meters,
            ids=CallIds(world.now),
            reach=world.reach,
            crowd=Crowd(configuration.gateway.capacity),
            body_limit=configuration.gateway.body_limit,
            patience=configuration.gateway.patience.body.total_seconds(),
        )

    def runner(self) -> web.AppRunner:
        """Return what serves the application to as many callers at once as is configured."""
        wanted = self._section.capacity.connections
        possible = max((self._descriptors - _OTHER_FILES) // 2, 1)
        if possible < wanted:
            _LOG.warning("only %s callers may connect: no more files may be open", possible)
        return DoorsRunner(self.application, self._section, min(wanted, possible))

    async def start(self) -> None:
        """Follow the ledger, and begin to learn the servers' tools; no server need be there."""
        self._room.open()
        self._observing = [
            self._ledger.observe(self._identity.follow, plain_calls=False),
            self._ledger.observe(self._aftermath.follow, plain_calls=False),
        ]
        self._identity.learn(await self._ledger.agents())
        self._aftermath.learn(await self._ledger.approvals(*_REMEMBERED, limit=1000))
        for name, upstream in self._upstreams.items():
            await upstream.start()
            self._toolboxes[name].start()

    async def drain(self, seconds: float | None = None) -> None:
        """Take no new calls, and wait for those under way: as configured, or at most `seconds`.

        What is not done by then is left without an outcome; the ledger will
        say that it is unknown.
        """
        seconds = self._section.drain.total_seconds() if seconds is None else seconds
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        await self._endpoint.stop(seconds)
        await self._dispatcher.stop(until - loop.time())
        await self._outcomes.drain(max(until - loop.time(), 1.0))

    async def close(self) -> None:
        """Let everything go: listeners, toolboxes, connections and processes."""
        await self._dispatcher.stop()
        self._room.close()
        for leave in self._observing:
            leave()
        async with AsyncExitStack() as stack:
            for upstream in self._upstreams.values():
                stack.push_async_callback(upstream.close)
            for toolbox in self._toolboxes.values():
                stack.push_async_callback(toolbox.close)
            await self._outcomes.drain(1.0)

    def troubles(self) -> list[str]:
        """Say in words which servers cannot be used now."""
        found = []
        for name, upstream in self._upstreams.items():
            trouble = self._toolboxes[name].trouble() or upstream.trouble()
            if trouble is not None:
                found.append(trouble if name in trouble else f"`{name}`: {trouble}")
        return found


def upstreams_of(world: World) -> dict[str, Upstream]:
    """Return the servers that the configuration names; nothing is opened or started."""
    found: dict[str, Upstream] = {}
    for name, server in world.configuration.servers.items():
        match server:
            case HttpServer():
                headers = {key: value.get_secret_value() for key, value in server.headers.items()}
                found[name] = HttpUpstream(name, server.url, headers)
            case StdioServer():
                found[name] = Bridge(
                    ServerCommand(
                        name=name,
                        command=server.command,
                        environment=world.environment,
                        added={k: value.get_secret_value() for k, value in server.env.items()},
                        cwd=server.cwd,
                    )
                )
    return found


def _examiner(world: World) -> Examiner:
    configuration = world.configuration
    return Examiner(
        configuration.directory(),
        world.keys,
        frozenset(n for n, server in configuration.servers.items() if server.trusted),
        world.ledger.instance,
        world.now,
        frozenset(configuration.observing),
    )


def _identity(world: World) -> Identity:
    configuration = world.configuration
    agents = configuration.directory().agents
    anonymous = configuration.anonymous_agent
    return Identity(
        {
            section.hashed_key: agents[name]
            for name, section in configuration.agents.items()
            if section.hashed_key is not None
        },
        agents[anonymous] if anonymous is not None else None,
        operators={
            section.hashed_key: name
            for name, section in configuration.operators.items()
            if section.hashed_key is not None
        },
        taken=tuple(configuration.agents),
        anywhere=world.unsafe_no_auth,
        now=world.now,
    )


def _application(endpoint: Endpoint) -> web.Application:
    application = web.Application()
    path = "/mcp/{server}"
    application.router.add_post(path, endpoint.post)
    application.router.add_get(path, endpoint.get, allow_head=False)
    application.router.add_delete(path, endpoint.delete)
    application.router.add_route("*", path, endpoint.other)
    return application
