"""Breaks glasses and signs them off, with what the ledger knows of the approvals."""

from datetime import datetime

from ledger.deciding.call_decisions import approval_of
from ledger.deciding.state import State
from ledger.events.envelopes import Draft, Event
from ledger.events.glass_events import BreakGlassRefused, BreakGlassUsed
from ledger.lives.glasses import BreakGlass, SignOff, break_glass, glass_of, sign_off
from policies.values.refusals import Refused


def glass(command: BreakGlass | SignOff, state: State, at: datetime) -> list[Draft]:
    """Return the events of a command about a broken glass. Raises Refused."""
    approval = approval_of(command.approval, state)
    match command:
        case BreakGlass():
            events = break_glass(approval, command, state.directory, at)
        case SignOff():
            known = state.glass(glass_of(approval.id))
            if known is None:
                raise Refused(f"nobody broke the glass of `{approval.id}`")
            events = [sign_off(known, approval, command, state.directory, at)]
            if not isinstance(events[0], BreakGlassRefused):
                return [Draft(f"glass-{known.id}", events[0])]
    return [Draft(_stream(event, command), event) for event in events]


def _stream(event: Event, command: BreakGlass | SignOff) -> str:
    match event:
        case BreakGlassRefused():
            return f"refusal-{command.id}"
        case BreakGlassUsed():
            return f"glass-{event.glass}"
        case _:
            return f"approval-{command.approval}"
