"""Gives and ends delegations, with what the ledger knows of those that hold."""

from datetime import datetime
from typing import TypeAlias

from ledger.deciding.state import State
from ledger.events.envelopes import Draft
from ledger.lives.delegations import (
    EndDelegation,
    ExpireDelegation,
    GiveDelegation,
    end,
    expire,
    give,
)
from policies.values.refusals import Refused

AboutDelegation: TypeAlias = GiveDelegation | EndDelegation | ExpireDelegation
"""A command about a delegation."""


def delegate(command: AboutDelegation, state: State, at: datetime) -> list[Draft]:
    """Return the events of a command about a delegation. Raises Refused."""
    match command:
        case GiveDelegation():
            given = give(command, state.live_delegations(), state.directory, at)
            return [Draft(f"delegation-{given.delegation}", given)]
        case EndDelegation():
            ended = end(command, state.live_delegations(), at)
            return [Draft(f"delegation-{ended.delegation}", ended)]
        case ExpireDelegation():
            known = state.delegation(command.delegation)
            if known is None:
                raise Refused(f"there is no delegation `{command.delegation}`")
            return [Draft(f"delegation-{known.id}", event) for event in expire(known, at)]
