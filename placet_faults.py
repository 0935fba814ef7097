"""Kills the process at a named point, for tests of what survives that."""

import os
import signal
from collections.abc import Callable


def fault_points(told: str | None) -> Callable[[str], None]:
    """Return what parts call as they reach a point.

    `told` is `point` or `point:n`: the process kills itself (SIGKILL) when it
    reaches that point for the n-th time. None does nothing.
    """
    point, _, count = (told or "").partition(":")
    left = int(count or 1)

    def reach(reached: str) -> None:
        nonlocal left
        if not point or reached != point:
            return
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return reach
