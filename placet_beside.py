"""Adds the commands that need nothing of the service to those that are listed with it."""

import placet_hook
import placet_scan
import placet_stdio
from ledger.shell import AddCommand, Shell


def register(add: AddCommand, shell: Shell) -> None:
    """Add `placet hook`, `placet stdio` and `placet scan`."""
    hook = add("hook", help="answer the hooks of an agent: decide on what it does by itself")
    placet_hook.describe(hook)
    hook.set_defaults(run=placet_hook.run)
    stdio = add("stdio", help="speak MCP on stdin and stdout for one server of the gateway")
    placet_stdio.describe(stdio)
    stdio.set_defaults(run=placet_stdio.run)
    placet_scan.register(add, shell)
