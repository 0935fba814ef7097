"""`placet serve`: runs the service until it is told to stop."""

import argparse
import asyncio
import logging
import signal

from ledger.shell import AddCommand, Shell
from placet_check import accept_unsafe, observing, unsafe
from placet_commandline import Register
from placet_faults import fault_points
from placet_logging import log_to_stderr
from placet_service import OpenService, Order, Service
from placet_settings import SETTINGS, load_to_serve

_log = logging.getLogger(__name__)


def serve_command(open_service: OpenService) -> Register:
    """Return what adds `placet serve`, which serves with `open_service`."""

    def register(add: AddCommand, shell: Shell) -> None:
        parser = add(
            "serve",
            help="run the service",
            description="Run the service that placet.yaml describes. SIGTERM drains, SIGHUP looks "
            "at the policy file at once.",
        )
        shell.with_config(parser)
        accept_unsafe(parser)
        parser.add_argument("--verbose", action="store_true", help="log more")
        parser.set_defaults(run=lambda arguments: _serve(arguments, shell, open_service))

    return register


def stop_signals(service: Service) -> asyncio.Event:
    """Return what is set at SIGTERM or SIGINT; a second SIGINT does not wait.

    From now on SIGHUP makes the service look at its policy file.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    looking: set[asyncio.Task[None]] = set()

    def look() -> None:
        task = asyncio.create_task(service.policy.look())
        looking.add(task)
        task.add_done_callback(looking.discard)

    def end() -> None:
        _log.info("stopping: no new calls are taken, those under way may end")
        stop.set()
        loop.remove_signal_handler(signal.SIGINT)

    loop.add_signal_handler(signal.SIGHUP, look)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    return stop


def _serve(arguments: argparse.Namespace, shell: Shell, open_service: OpenService) -> int:
    log_to_stderr(logging.DEBUG if arguments.verbose else logging.INFO)
    order = Order(
        loaded=load_to_serve(arguments.config, unsafe=unsafe(arguments)),
        config=arguments.config,
        unsafe=unsafe(arguments),
        variables=SETTINGS,
        reach=fault_points(SETTINGS.get("PLACET_KILL_AT")),
    )
    asyncio.run(_served(order, shell, open_service))
    return 0


async def _served(order: Order, shell: Shell, open_service: OpenService) -> None:
    async with open_service(order) as service:
        stop = stop_signals(service)
        for warning in observing(order.loaded.configuration):
            _log.warning(warning)
        shell.say(f"agents      {service.agents}/mcp/{{server}}")
        shell.say(f"operations  {service.operations}/readyz")
        if service.slack is not None:
            shell.say(f"slack       {service.slack}/slack/events")
        if service.workspace is not None:
            shell.say(f"workspace   {service.workspace.page_url}")
        shell.say("ready")
        await stop.wait()
