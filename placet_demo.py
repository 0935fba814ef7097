"""`placet demo`."""

from placet_commandline import Register
from placet_service import OpenService


def demo_command(open_service: OpenService) -> Register:
    """Return what adds `placet demo`."""
    return lambda add, shell: None
