"""Adds the commands that start without all of Placet to those that are listed with it."""

import placet_hook
from ledger.shell import AddCommand, Shell


def register(add: AddCommand, _: Shell) -> None:
    """Add `placet hook`."""
    hook = add("hook", help="answer the hooks of an agent: decide on what it does by itself")
    placet_hook.describe(hook)
    hook.set_defaults(run=placet_hook.run)
