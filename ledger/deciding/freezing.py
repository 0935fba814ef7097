"""Begins and ends freezes, with what the ledger knows of what they are over."""

from datetime import datetime
from typing import TypeAlias

from ledger.deciding.state import State
from ledger.events.envelopes import Command, Draft, Event
from ledger.events.freeze_events import FreezeRefused
from ledger.lives import freezes
from ledger.lives.freezes import BeginFreeze, EndFreeze, ExpireFreeze, Freeze
from policies.deciding.freezes import Frozen
from policies.people.people import Agent
from policies.values.refusals import Refused

AboutFreeze: TypeAlias = BeginFreeze | EndFreeze | ExpireFreeze
"""A command about a freeze."""


def freeze(command: AboutFreeze, state: State, at: datetime) -> list[Draft]:
    """Return the events of a command about a freeze. Raises Refused."""
    match command:
        case BeginFreeze():
            agent = _agent(command.over, command.name, state)
            event = freezes.begin(command, agent, state.directory, at)
            return [_draft(event, command.freeze, command)]
        case EndFreeze():
            known = _known(command.freeze, state)
            agent = _agent(known.over, known.name, state)
            event = freezes.end(known, command, agent, state.directory, at)
            return [_draft(event, known.id, command)]
        case ExpireFreeze():
            known = _known(command.freeze, state)
            return [Draft(f"freeze-{known.id}", event) for event in freezes.expire(known, at)]


def _draft(event: Event, name: str, command: Command) -> Draft:
    refused = isinstance(event, FreezeRefused)
    return Draft(f"refusal-{command.id}" if refused else f"freeze-{name}", event)


def _agent(over: Frozen, name: str, state: State) -> Agent | None:
    return state.agent(name) if over is Frozen.AGENT else None


def _known(name: str, state: State) -> Freeze:
    known = state.freeze(name)
    if known is None:
        raise Refused(f"there is no freeze `{name}`; `placet freezes` names those in force")
    return known
