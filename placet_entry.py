"""Starts the command that is asked for: all of Placet, or what an agent starts again and again."""

import contextlib
import gc
import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import cast

_QUICK = {"hook": "placet_hook", "stdio": "placet_stdio"}
"""Commands that load only what they need, by the module that has them."""

_BLOCKED = 2

_INTERRUPTED = 130
"""128 and SIGINT, as shells tell it."""


def main() -> int:
    """Run the command of `sys.argv` and return its exit code.

    A hook that cannot even be loaded blocks: any other exit code would let the tool be used.
    """
    arguments = sys.argv[1:]
    name = arguments[0] if arguments else ""
    if name == "serve":
        signal.signal(signal.SIGHUP, _not_yet)
    if name != "hook":
        return _interruptible(_QUICK.get(name, "placet"), arguments)
    try:
        return _command(_QUICK[name])(arguments)
    except SystemExit:
        raise  # help was asked for, or the arguments are wrong, which is a 2 as well
    except BaseException as error:  # noqa: BLE001  the edge: no decision, no tool
        with contextlib.suppress(OSError):  # the exit code counts, also where nobody can be told
            os.write(2, f"placet: Blocked: the hook failed ({type(error).__name__}).\n".encode())
        return _BLOCKED


def _not_yet(_number: int, _frame: object) -> None:
    """Let a service that is not there yet live: it looks at its policy file soon of itself."""


def _interruptible(module: str, arguments: Sequence[str]) -> int:
    """Run a command that somebody at the terminal may end, without a word, also as it loads."""
    try:
        return _command(module)(arguments)
    except KeyboardInterrupt:
        return _INTERRUPTED


def _command(module: str) -> Callable[[Sequence[str]], int]:
    """Load a command; what loading makes stays, so the collector need not look for waste in it."""
    gc.disable()
    try:
        return cast("Callable[[Sequence[str]], int]", importlib.import_module(module).main)
    finally:
        gc.freeze()
        gc.enable()


if __name__ == "__main__":
    sys.exit(main())
