"""`placet serve`: runs the service until it is told to stop."""

import argparse
import asyncio
import gc
import logging
import signal
import sys
from asyncio import new_event_loop
from collections.abc import Callable
from contextlib import suppress

from ledger.shell import AddCommand, Shell, Unsaid
from placet_check import accept_unsafe, observing, unsafe
from placet_commandline import Register
from placet_environment import SETTINGS
from placet_faults import fault_points
from placet_logging import log_to_stderr
from placet_memory import use_one_heap
from placet_service import OpenService, Order, Service
from placet_settings import load_to_serve
from placet_sockets import tell_seldom
from policies.configuration.configuration import Configuration
from policies.configuration.servers import StdioServer

with suppress(ImportError):  # nobody has built it for this system: asyncio's own does as well
    from uvloop import new_event_loop

_log = logging.getLogger(__name__)

_COLLECT = (20_000, 20, 50)
"""New objects before the collector looks at the youngest, and how often at the older ones."""


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
        parser.add_argument(
            "--log",
            choices=["human", "json"],
            help="how to log: for people, or one JSON object a line (default: as `log` in the "
            "configuration says, else for people where standard error is a terminal)",
        )
        parser.set_defaults(run=lambda arguments: _serve(arguments, shell, open_service))

    return register


def stop_signals(service: Service) -> asyncio.Event:
    """Return what is set at SIGTERM or SIGINT.

    At the second, calls under way are waited for no more; a third kills. From
    now on SIGHUP makes the service look at its policy file.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    looking: set[asyncio.Task[None]] = set()

    def look() -> None:
        task = asyncio.create_task(service.policy.look())
        looking.add(task)
        task.add_done_callback(looking.discard)

    def end() -> None:
        if not stop.is_set():
            _log.info("stopping: no new calls are taken, those under way may end")
            stop.set()
            return
        _log.warning("stopping at once: calls under way are cut")
        service.hurry()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)

    loop.add_signal_handler(signal.SIGHUP, look)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    return stop


def event_loop(configuration: Configuration) -> asyncio.AbstractEventLoop:
    """Return the event loop that has the least work with each call.

    Not uvloop where servers are processes: it does not notice one that has
    closed its input, and calls to that would wait for ever.
    """
    started = any(isinstance(server, StdioServer) for server in configuration.servers.values())
    loop = asyncio.new_event_loop() if started else new_event_loop()
    tell_seldom(loop)
    return loop


def _serve(arguments: argparse.Namespace, shell: Shell, open_service: OpenService) -> int:
    use_one_heap()
    loaded = load_to_serve(arguments.config, unsafe=unsafe(arguments))
    log_to_stderr(
        logging.DEBUG if arguments.verbose else logging.INFO,
        machines=_for_machines(arguments.log or loaded.configuration.log),
    )
    order = Order(
        loaded=loaded,
        config=arguments.config,
        unsafe=unsafe(arguments),
        variables=SETTINGS,
        reach=fault_points(SETTINGS.get("PLACET_KILL_AT")),
    )
    with asyncio.Runner(loop_factory=lambda: event_loop(loaded.configuration)) as runner:
        runner.run(_served(order, shell, open_service))
    return 0


def _spare_the_collector() -> None:
    """Let Python's collector of cycles look at nothing that is there to stay, and less often.

    Calls leave next to no cycles; looking for them took a tenth of their time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT)


def _for_machines(asked: str | None) -> bool:
    """Tell how to log: as was asked, else for people only where one looks on."""
    return asked == "json" if asked is not None else not sys.stderr.isatty()


async def _served(order: Order, shell: Shell, open_service: OpenService) -> None:
    async with open_service(order) as service:
        stop = stop_signals(service)
        for warning in observing(order.loaded.configuration):
            _log.warning(warning)
        _spare_the_collector()
        tell(service, shell.say)
        await stop.wait()


def tell(service: Service, say: Callable[[str], None]) -> None:
    """Say where the service listens; where nothing can be written, it serves all the same."""
    lines = [
        f"agents      {service.agents}/mcp/{{server}}",
        f"operations  {service.operations}/readyz",
    ]
    if service.slack is not None:
        lines.append(f"slack       {service.slack}/slack/events")
    if service.workspace is not None:
        lines.append(f"workspace   {service.workspace.page_url}")
    try:
        for line in [*lines, "ready"]:
            say(line)
    except (OSError, Unsaid) as error:
        _log.warning("where Placet listens cannot be printed: %s", error)
