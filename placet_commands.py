"""Gathers every command there is: of the service, of what stands beside it, of the packages."""

import bot.commands
import gateway.commands
import ledger.commands
import placet_beside
import placet_check
from placet_commandline import Register
from placet_demo import demo_command
from placet_serve import serve_command
from placet_service import OpenService


def every_command(open_service: OpenService) -> tuple[Register, ...]:
    """Return what adds the commands, in the order of the help; some serve by `open_service`."""
    return (
        demo_command(open_service),
        serve_command(open_service),
        placet_check.register,
        placet_beside.register,
        gateway.commands.register,
        bot.commands.register,
        ledger.commands.register,
    )
