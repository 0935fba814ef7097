"""Wires the packages together into the service, and is the entry point of the command line."""

import asyncio
import importlib
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from socket import socket

from aiohttp import web
from prometheus_client import CollectorRegistry

from bot.bot import Bot, OverHttp, OverSocket, Reached, SlackAccess
from bot.workspace.server import LocalWorkspace
from gateway.application import Gateway
from gateway.callers.unnamed import UnnamedRunner
from gateway.world import World
from ledger.ledger import Ledger
from ledger.shell import Misconfigured
from ledger.watching.asking import Asking
from ledger.watching.deadlines import Deadlines
from ledger.watching.freeze_watch import FreezeWatch
from placet_check import observing
from placet_chronicle import tell_of
from placet_commandline import clock, run
from placet_keys import keys_of, signer_of
from placet_ledger import served_ledger
from placet_memory import clear_caches, give_back, sweep, trimmer
from placet_metrics import measure_lag, new_registry
from placet_operations import Operations, premises_of
from placet_publishing import publisher
from placet_reload import StandingPolicy, standing_policy
from placet_serve import serve_command
from placet_service import Order, Service
from placet_settings import policy_file
from placet_sockets import BACKLOG, bound, descriptors, origin
from placet_workspace import local_workspace
from policies.configuration.configuration import Configuration
from policies.configuration.settings import SlackSection
from policies.risks.risk import RiskFinding, classify
from policies.values.calls import Tool
from policies.values.digests import DigestKey
from policies.values.refusals import Refused
from policies.yaml.fields import Address


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 (the answer is no) or 2 (a bad setting).

    `serve` runs for weeks: what the other commands load would only fill its memory.
    """
    asked = sys.argv[1:] if argv is None else argv
    if asked[:1] == ["serve"]:
        return run(asked, [serve_command(service)])
    return run(asked, importlib.import_module("placet_commands").every_command(service))


@asynccontextmanager
async def service(order: Order) -> AsyncIterator[Service]:
    """Serve what is ordered for the length of a block; at its end drain, then close everything.

    Raises Misconfigured, and Refused where the ledger cannot be had.
    """
    async with AsyncExitStack() as stack:
        held = await _hold(order, stack)
        registry = new_registry()
        frozen = await _measure(held.ledger, order.loaded.configuration.servers, registry, stack)
        policy = await _policy(order, held.ledger, stack)
        workspace = await _workspace(order, stack)
        bot = await _bot(order, held.ledger, policy, workspace, registry, stack)
        gateway = await _gateway(order, held, policy, registry, stack)
        checks = {
            "ledger": held.ledger.ready,
            "policy": policy.troubles,
            "upstreams": gateway.troubles,
            "identity": gateway.identity_troubles,
            "slack": bot.ready,
            **_publishing(order, held.ledger, bot, stack),
        }
        observed = observing(order.loaded.configuration)
        configuration = order.loaded.configuration
        at_home = premises_of(configuration.listen.operations, configuration.gateway)
        operations = Operations(registry, checks, (lambda: observed, frozen.told), at_home)
        await _listen(held.sockets["operations"], _runner(operations.application()), stack)
        if bot.application is not None:
            await _listen(held.sockets["slack"], _runner(bot.application), stack)
        await _listen(held.sockets["agents"], gateway.runner(), stack)
        stack.push_async_callback(_drain, operations, gateway)
        where = {name: origin(sock) for name, sock in held.sockets.items()}
        yield Service(
            ledger=held.ledger,
            policy=policy,
            workspace=workspace,
            agents=where["agents"],
            operations=where["operations"],
            slack=where.get("slack"),
            hurry=gateway.hurry,
        )


@dataclass(frozen=True)
class _Held:
    """What only one process can have at a time, or nobody: told all at once."""

    sockets: dict[str, socket]
    keys: tuple[DigestKey, ...]
    ledger: Ledger


async def _hold(order: Order, stack: AsyncExitStack) -> _Held:
    """Take the addresses, the keys and the ledger. Raises Refused with all that cannot be had."""
    configuration = order.loaded.configuration
    wrong: list[Refused] = []
    sockets: dict[str, socket] = {}
    keys: tuple[DigestKey, ...] = ()
    ledger: Ledger | None = None
    try:
        closing, reader = stack.enter_context(ExitStack()), configuration.gateway.patience.reader
        sockets = bound(_addresses(configuration), closing, reader)
    except Misconfigured as taken:
        wrong.append(taken)
    try:
        keys = await asyncio.to_thread(keys_of, configuration, order.config)
        ledger = await served_ledger(order, clock)
        stack.push_async_callback(asyncio.to_thread, ledger.close)
        ledger.seal(signer_of(configuration, keys))
    except Refused as refused:
        wrong.append(refused)
    if ledger is None or wrong:
        raise wrong[0] if len(wrong) == 1 else Misconfigured("\n".join(map(str, wrong)))
    return _Held(sockets, keys, ledger)


def _addresses(configuration: Configuration) -> dict[str, Address]:
    listen = configuration.listen
    found = {"agents": listen.agents, "operations": listen.operations}
    if configuration.slack.mode == "http" and listen.slack is not None:
        found["slack"] = listen.slack
    return found


async def _measure(
    ledger: Ledger, servers: Iterable[str], registry: CollectorRegistry, stack: AsyncExitStack
) -> FreezeWatch:
    """Follow the ledger for those who look at metrics and at the log; return what is frozen."""
    ledger.publish(registry)
    asking = Asking(ledger, registry, clock, servers)
    stack.callback(asking.close)
    await asking.start()
    stack.callback(tell_of(ledger))
    stack.push_async_callback(_end, asyncio.create_task(measure_lag(registry)))
    return await stack.enter_async_context(FreezeWatch(ledger, registry, clock))


async def _policy(order: Order, ledger: Ledger, stack: AsyncExitStack) -> StandingPolicy:
    """Put the policy in force and follow it; end what is due."""
    file = policy_file(order.loaded.configuration, order.config)
    policy = await stack.enter_async_context(standing_policy(ledger, order.loaded, file))
    deadlines = Deadlines(ledger)
    await deadlines.start()
    stack.push_async_callback(deadlines.stop)
    return policy


async def _workspace(order: Order, stack: AsyncExitStack) -> LocalWorkspace | None:
    if order.loaded.configuration.slack.mode != "local":
        return None
    journal = order.config.parent / "placet.workspace"
    try:
        workspace = local_workspace(order.loaded.configuration, journal)
    except (OSError, ValueError) as error:
        raise Misconfigured(
            f"the messages of the local workspace (`{journal}`) cannot be read: move that file"
            " away; the page forgets them, and the ledger nothing"
        ) from error
    try:
        await workspace.start(port=order.page_port)
    except OSError as error:
        wrong = f"the page of the local workspace cannot listen on port {order.page_port}"
        raise Misconfigured(f"{wrong}: {os.strerror(error.errno or 0).lower()}") from error
    stack.push_async_callback(workspace.close)
    return workspace


async def _bot(
    order: Order,
    ledger: Ledger,
    policy: StandingPolicy,
    workspace: LocalWorkspace | None,
    registry: CollectorRegistry,
    stack: AsyncExitStack,
) -> Bot:
    configuration = order.loaded.configuration
    bot = Bot(
        _access(configuration.slack, workspace),
        ledger,
        configuration.directory(),
        longest=lambda: policy().grants.longest,
        weigh=partial(_weigh, configuration, policy),
        reach=order.reach,
        registry=registry,
    )
    return await stack.enter_async_context(bot)


def _publishing(
    order: Order, ledger: Ledger, bot: Bot, stack: AsyncExitStack
) -> dict[str, Callable[[], list[str]]]:
    """Bring checkpoints where the configuration says; return the check of it, if there is one."""
    bringing = publisher(order.loaded.configuration, order.config.parent, ledger, bot)
    if bringing is None:
        return {}
    bringing.start()
    stack.push_async_callback(bringing.close)
    return {"checkpoints": bringing.troubles}


def _weigh(configuration: Configuration, policy: StandingPolicy, tool: Tool) -> RiskFinding:
    """Say how risky a tool is, as the gateway does when it is called."""
    server = configuration.servers.get(tool.server)
    trusted = server is not None and server.trusted
    return classify(tool, trusted=trusted, overrides=policy().risks)


def _access(slack: SlackSection, workspace: LocalWorkspace | None) -> SlackAccess:
    shown = SlackAccess("", OverSocket(""), group_after=slack.group_after, denials=slack.denials)
    if workspace is not None:
        bot, local = workspace.spec.bot_token, OverSocket(workspace.spec.app_token)
        return replace(shown, bot_token=bot, reached=local, api_url=workspace.api_url)
    bot_token, app_token, signing_secret = (
        secret.get_secret_value() if secret is not None else ""
        for secret in (slack.bot_token, slack.app_token, slack.signing_secret)
    )
    reached: Reached = OverSocket(app_token) if slack.mode == "socket" else OverHttp(signing_secret)
    return replace(shown, bot_token=bot_token, reached=reached, api_url=slack.api_url)


async def _gateway(
    order: Order,
    held: _Held,
    policy: StandingPolicy,
    registry: CollectorRegistry,
    stack: AsyncExitStack,
) -> Gateway:
    gateway = Gateway(
        World(
            configuration=order.loaded.configuration,
            ledger=held.ledger,
            policy=policy,
            keys=held.keys,
            registry=registry,
            now=clock,
            environment=order.variables,
            unsafe_no_auth=order.unsafe.no_auth,
            folder=order.config.parent,
            descriptors=descriptors(),
            reach=order.reach,
        )
    )
    stack.push_async_callback(gateway.close)
    await gateway.start()

    def rest() -> None:
        for each in (gateway.rest, held.ledger.rest, clear_caches):
            each()

    for count in (gateway.under_way, gateway.callers):
        stack.push_async_callback(_end, asyncio.create_task(give_back(count, rest, trimmer())))
    stack.push_async_callback(_end, asyncio.create_task(sweep()))
    return gateway


def _runner(application: web.Application) -> web.AppRunner:
    return UnnamedRunner(application, access_log=None, shutdown_timeout=1.0)


async def _listen(sock: socket, runner: web.AppRunner, stack: AsyncExitStack) -> None:
    stack.push_async_callback(runner.cleanup)
    await runner.setup()
    await web.SockSite(runner, sock, backlog=BACKLOG).start()


async def _drain(operations: Operations, gateway: Gateway) -> None:
    operations.draining = True
    await gateway.drain()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


if __name__ == "__main__":
    sys.exit(main())
