"""Puts the gateway together, starts it and ends it without losing what is under way."""

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial

from aiohttp import web

from gateway.api.api_assembly import api_of
from gateway.api.json_api import JsonApi
from gateway.callers.admission import Premises
from gateway.callers.crowd import Crowd
from gateway.callers.doors import DoorsRunner
from gateway.callers.pages import Pages
from gateway.callers.sessions import Sessions
from gateway.calls.aftermath import Aftermath
from gateway.calls.dispatching import Dispatcher
from gateway.calls.examining import Examiner
from gateway.calls.gate import Gate, Tools
from gateway.calls.introductions import Introductions
from gateway.calls.open_calls import OpenCalls
from gateway.calls.outcomes import Outcomes
from gateway.calls.passing import Passage, Served
from gateway.calls.patience import Patience
from gateway.calls.reporting import Reporter
from gateway.calls.resuming import Resumable
from gateway.calls.sessionless import Asides
from gateway.calls.waiting import WaitingRoom
from gateway.census import Census
from gateway.closing import close_all
from gateway.configured_upstreams import upstreams_of
from gateway.endpoint import Endpoint, Parts
from gateway.identity.entrance import Entrance
from gateway.ladder.rungs import Rungs
from gateway.list_changes import ListChanges
from gateway.listening.open_streams import OpenStreams
from gateway.meters import Meters
from gateway.tools.acceptance import Acceptance
from gateway.tools.toolbox import Toolbox
from gateway.under_way import UnderWay
from gateway.upstreams import Upstream
from gateway.world import World, declared_of, entrance_of, examiner_of
from ledger.lives.approvals import ApprovalStatus
from policies.people.people import Agent
from policies.values.calls import Tool

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


class Gateway:
    """The MCP endpoint with all behind it; `application` serves `/mcp/{server}`."""

    def __init__(self, world: World, upstreams: Mapping[str, Upstream] | None = None) -> None:
        """Put the parts together; `upstreams` are made from the configuration by default."""
        configuration, ledger = world.configuration, world.ledger
        self._ledger = ledger
        self._section = configuration.gateway
        self._premises = Premises.of(configuration.listen.agents, configuration.gateway)
        self._descriptors = world.descriptors
        self._upstreams = upstreams or upstreams_of(configuration.servers, world.environment)
        self._toolboxes = {
            name: Toolbox(name, upstream, ledger, _command_id)
            for name, upstream in self._upstreams.items()
        }
        self._declared = declared_of(world, _command_id)
        self._entrance = entrance_of(world)
        self._identity = self._entrance.identity
        self._outcomes = Outcomes(ledger, world.reach)
        self._patience = Patience(configuration)
        self._room = WaitingRoom(ledger, self._patience.held_calls)
        self._aftermath = Aftermath(ledger.instance, configuration.gateway.hold)
        sessions, resumable = Sessions(world.keys), Resumable()
        self._streams = OpenStreams()
        self._acceptance = Acceptance(configuration.directory().server_teams)
        examiner = examiner_of(world, self._acceptance)
        self._changes = ListChanges(self._streams, self._toolboxes, world.policy, examiner.hides)
        hides = partial(_hides, examiner, world)
        introductions = Introductions(self._acceptance, configuration.observing)
        self._passage = Passage(sessions, resumable, self._streams, hides, introductions)
        reporter = Reporter(Meters(world.registry, self._servers, configuration.observing))
        self._crowd = Crowd(self._section.capacity)
        self._dispatcher = Dispatcher(
            self._outcomes, self._passage, resumable, reporter, self._crowd, world.reach
        )
        self._rungs = self._climbing(world, reporter, examiner)
        self._under_way = UnderWay()
        self._endpoint = Endpoint(self._parts(world, sessions, reporter))
        self._runner = self._doors(self._api(world, reporter, examiner))
        world.registry.register(self._census())
        self._observing: list[Callable[[], None]] = []
        self._hurried = asyncio.Event()

    @property
    def _servers(self) -> tuple[str, ...]:
        """The names of all servers, external ones last."""
        return (*self._toolboxes, *self._declared)

    def _api(self, world: World, reporter: Reporter, examiner: Examiner) -> JsonApi:
        return api_of(
            world,
            self._rungs,
            examiner,
            self._identity,
            self._crowd,
            reporter,
            self._under_way,
            self._servers,
        )

    def _climbing(self, world: World, reporter: Reporter, examiner: Examiner) -> Rungs:
        tools: dict[str, Tools] = {**self._toolboxes, **self._declared}
        gate = Gate(world.ledger, world.policy, examiner, tools, self._outcomes, world.reach)
        return Rungs(
            world, gate, self._room, self._aftermath, reporter, self._dispatcher, self._patience
        )

    def _parts(self, world: World, sessions: Sessions, reporter: Reporter) -> Parts:
        configuration, open_calls = world.configuration, OpenCalls()
        return Parts(
            premises=self._premises,
            identity=self._identity,
            sessions=sessions,
            servers={
                name: Served(name, upstream, self._toolboxes[name])
                for name, upstream in self._upstreams.items()
            },
            external=frozenset(self._declared),
            ladder=self._rungs.ladder,
            tasks=self._rungs.tasks,
            passage=self._passage,
            room=self._room,
            open_calls=open_calls,
            asides=Asides(open_calls, self._dispatcher.lone),
            streams=self._streams,
            reporter=reporter,
            ids=self._rungs.ids,
            reach=world.reach,
            under_way=self._under_way,
            crowd=self._crowd,
            body_limit=configuration.gateway.body_limit,
            patience=configuration.gateway.patience.body.total_seconds(),
        )

    def runner(self) -> web.AppRunner:
        """Return what serves `/mcp/{server}` to as many callers at once as is configured."""
        return self._runner

    def _doors(self, api: JsonApi) -> DoorsRunner:
        application = _application(self._endpoint, self._entrance)
        Pages(self._premises).add_to(application)
        api.register(application.router)
        application.router.add_route("*", "/{path:.*}", self._endpoint.nowhere)
        answering, refusing = self._endpoint.answer, self._endpoint.malformed
        return DoorsRunner(application, self._section, self._callers(), answering, refusing)

    def _callers(self) -> int:
        """Return how many callers may be connected, of the files that may be open."""
        wanted = self._section.capacity.connections
        possible = max((self._descriptors - _OTHER_FILES) // 2, 1)
        if possible < wanted:
            _LOG.warning("only %s callers may connect: no more files may be open", possible)
        return min(wanted, possible)

    def _census(self) -> Census:
        servers, tools = self._upstreams, self._toolboxes
        troubles = {name: partial(self._trouble, name) for name in servers}
        return Census(self._room, self._crowd, self._runner, troubles, servers, tools)

    async def start(self) -> None:
        """Follow the ledger, and begin to learn the servers' tools; no server need be there."""
        self._room.open()
        self._observing = [
            self._ledger.observe(self._identity.follow, plain_calls=False),
            self._ledger.observe(self._aftermath.follow, plain_calls=False),
            self._ledger.observe(self._acceptance.follow, plain_calls=False),
            self._ledger.observe(self._changes.follow, plain_calls=False),
        ]
        self._identity.learn(await self._ledger.agents())
        await self._entrance.start()
        self._aftermath.learn(await self._ledger.approvals(*_REMEMBERED, limit=1000))
        for name, upstream in self._upstreams.items():
            self._acceptance.learn(await self._ledger.tools(name))
            self._acceptance.learn_server(name, await self._ledger.server(name))
            await upstream.start()
            self._toolboxes[name].start()
        for declared in self._declared.values():
            declared.start()

    async def drain(self, seconds: float | None = None) -> None:
        """Take no new calls, and wait for those under way: as configured, or at most `seconds`.

        What is not done by then, or by the time of `hurry`, is left without an
        outcome; the ledger will say that it is unknown.
        """
        seconds = self._section.drain.total_seconds() if seconds is None else seconds
        draining = asyncio.create_task(self._drained(seconds))
        hurried = asyncio.create_task(self._hurried.wait())
        await asyncio.wait({draining, hurried}, return_when=asyncio.FIRST_COMPLETED)
        for task in (draining, hurried):
            task.cancel()
        await asyncio.gather(draining, hurried, return_exceptions=True)
        await self._dispatcher.stop()
        left = self._under_way.count
        if left:
            _LOG.warning("%s calls are cut: they did not end in time", left, extra={"calls": left})

    def hurry(self) -> None:
        """Wait no more for what is under way, now or in a `drain` to come."""
        self._hurried.set()

    async def _drained(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        await self._endpoint.stop(seconds)
        await self._rungs.runs.drain(until - loop.time())
        await self._dispatcher.stop(until - loop.time())
        await self._outcomes.drain(max(until - loop.time(), 1.0))

    async def close(self) -> None:
        """Let everything go: listeners, toolboxes, connections and processes."""
        await self._dispatcher.stop()
        await self._rungs.close()
        self._room.close()
        for leave in self._observing:
            leave()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._changes.close)
            stack.push_async_callback(self._entrance.close)
            stack.push_async_callback(close_all, self._upstreams.values())
            stack.push_async_callback(close_all, self._toolboxes.values())
            stack.push_async_callback(close_all, self._declared.values())
            await self._outcomes.drain(1.0)

    def under_way(self) -> int:
        """Return how many calls are under way now: those that are held, and those that run."""
        return self._under_way.count

    def rest(self) -> None:
        """Keep no more of idle callers than of new ones: few will ask anything for a while."""
        self._runner.rest()

    def callers(self) -> int:
        """Return how many callers are connected now."""
        return self._runner.connections

    def identity_troubles(self) -> list[str]:
        """Say in words whose tokens cannot be checked now."""
        return self._entrance.troubles()

    def troubles(self) -> list[str]:
        """Say in words which servers cannot be used now."""
        troubles = [(name, self._trouble(name)) for name in self._upstreams]
        troubles += [(name, declared.trouble()) for name, declared in self._declared.items()]
        return [
            trouble if name in trouble else f"`{name}`: {trouble}"
            for name, trouble in troubles
            if trouble is not None
        ]

    def _trouble(self, name: str) -> str | None:
        return self._toolboxes[name].trouble() or self._upstreams[name].trouble()


def _command_id() -> str:
    return f"tools:{uuid.uuid4()}"


def _hides(examiner: Examiner, world: World, agent: Agent, server: str) -> Callable[[Tool], bool]:
    return examiner.hides(agent, server, world.policy())


def _application(endpoint: Endpoint, entrance: Entrance) -> web.Application:
    application = web.Application()
    entrance.add_to(application.router)
    path = "/mcp/{server}"
    application.router.add_post(path, endpoint.post)
    application.router.add_get(path, endpoint.get, allow_head=False)
    application.router.add_delete(path, endpoint.delete)
    application.router.add_route("*", path, endpoint.other)
    return application
