"""Asks for grants, answers what was asked and renews, with what the ledger knows of them."""

from datetime import datetime
from typing import TypeAlias

from ledger.deciding.renewing import RenewGrant, renew
from ledger.deciding.state import State
from ledger.events.envelopes import Command, Draft, Event
from ledger.events.grant_request_events import (
    GrantRequestAnswered,
    GrantRequested,
    GrantRequestExpired,
)
from ledger.events.standing_events import GrantIssued, GrantRevoked
from ledger.lives.grant_requests import (
    AnswerRequest,
    ExpireRequest,
    GrantRequest,
    RequestGrant,
    answer,
    ask,
    expire,
)
from ledger.lives.owning import owning
from policies.values.refusals import Refused

AboutRequest: TypeAlias = RequestGrant | AnswerRequest | ExpireRequest | RenewGrant
"""A command that may lead to a grant."""


def request(command: AboutRequest, state: State, at: datetime) -> list[Draft]:
    """Return the events of a command that may lead to a grant. Raises Refused."""
    events: list[Event]
    directory = owning(state.directory, state.policy())
    match command:
        case RequestGrant():
            events = [ask(command, state.agent(command.agent), directory, at)]
        case AnswerRequest():
            known = _known(command.request, state)
            events = answer(known, command, state.agent(known.agent), directory, at)
        case ExpireRequest():
            events = expire(_known(command.request, state), at)
        case RenewGrant():
            grant = state.grant(command.grant)
            if grant is None:
                raise Refused(f"there is no grant `{command.grant}`; `/placet list` names them")
            events = renew(grant, command, state.agent(grant.agent), directory, at)
    return [Draft(_stream(event, command), event) for event in events]


def _stream(event: Event, command: Command) -> str:
    match event:
        case GrantIssued() | GrantRevoked():
            return f"grant-{event.grant}"
        case GrantRequested() | GrantRequestAnswered() | GrantRequestExpired():
            return f"request-{event.request}"
        case _:
            return f"refusal-{command.id}"


def _known(name: str, state: State) -> GrantRequest:
    known = state.request(name)
    if known is None:
        raise Refused(f"there is no request `{name}` for a grant")
    return known
