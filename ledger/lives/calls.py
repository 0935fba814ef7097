"""The life of one call in the ledger: decided, running, ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from pydantic import AwareDatetime

from ledger.events.envelopes import Command, Event, Model, Recorded, Spelled
from ledger.events.events import (
    ApprovalDispatched,
    CallCompleted,
    CallContinued,
    CallDecided,
    ChargedLimit,
    OutcomeUnknown,
)
from ledger.lives.approvals import CorruptHistory
from policies.people.people import Agent
from policies.rules.decisions import Assessment, Effect
from policies.secrets.hidden_values import HiddenCode


class CallStatus(StrEnum):
    """Where a call stands."""

    DENIED = "denied"
    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    OUTCOME_UNKNOWN = "outcome unknown"


_RUNNING, _ALLOW = CallStatus.RUNNING, Effect.ALLOW
"""Named once: what happens with each call asks for them, and an enumeration takes its time."""


class CallRecord(Model):
    """A call as the ledger knows it.

    With `report_within_seconds` its caller runs it, whatever becomes of the
    process that decided it; how it ended is to be reported by `report_until`.
    `charges` are what it takes of limits from `charged_at` on; nothing where it
    did not run.
    """

    status: Spelled[CallStatus]
    agent: str
    server: str
    tool: str
    effect: Spelled[Effect]
    approval: str | None
    grant: str | None
    instance: str
    decided_at: AwareDatetime
    report_within_seconds: int | None = None
    report_until: AwareDatetime | None = None
    charges: tuple[ChargedLimit, ...] = ()
    charged_at: AwareDatetime | None = None

    @property
    def open(self) -> bool:
        """Tell whether the call is at the server, as far as is known."""
        return self.status is _RUNNING

    @property
    def deadline(self) -> AwareDatetime | None:
        """When its outcome is unknown by itself; None where a process of ours runs it."""
        return self.report_until if self.open else None

    def columns(self) -> dict[str, str | int | None]:
        """Return what the calls table is searched by; times are UTC microseconds."""
        kept, deadline = vars(self), self.deadline if self.report_until else None
        return {
            "status": str(kept["status"]),
            "agent": kept["agent"],
            "server": kept["server"],
            "tool": kept["tool"],
            "instance": kept["instance"],
            "approval": kept["approval"],
            "decided_at": _searched(kept["decided_at"]),
            "deadline": _searched(deadline) if deadline else None,
            "charged_until": self._charged_until() if kept["charges"] else None,
        }

    def _charged_until(self) -> int | None:
        """Return until when it counts for a limit, UTC microseconds; None where for none."""
        if self.charged_at is None:
            return None
        longest = max(charge.within_ms for charge in self.charges)
        return _searched(self.charged_at) + longest * 1000


@lru_cache(maxsize=64)
def _searched(at: datetime) -> int:
    """Return UTC microseconds, as rows have always had them; a batch has one time."""
    return int(at.timestamp() * 1_000_000)


class CallFacts(NamedTuple):
    """What the gateway knows of a call, redacted; a tuple, as that is made quickly.

    `digests` are the call's digests, under the key in force first, then under
    keys that older approvals may still be bound with. `arguments` is canonical
    JSON after redaction, `hidden` how many values it lacks. Where the call is
    `observed`, the decision is recorded and does not block it. With
    `report_within` the caller runs the call itself. Where the caller `named`
    the call, the ledger may know one of that name already.
    """

    call: str
    agent: Agent
    server: str
    tool: str
    description: str
    definition_hash: str
    digests: tuple[str, ...]
    arguments: str
    hidden: int
    meta_keys: tuple[str, ...]
    instance: str
    observed: bool = False
    report_within: timedelta | None = None
    named: bool = False
    hidden_values: tuple[HiddenCode, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DecideCall(Command):
    """Settle an assessed call; the answer is read with `rulings.ruling`."""

    facts: CallFacts
    assessment: Assessment


@dataclass(frozen=True, kw_only=True)
class CompleteCall(Command):
    """Note how a call that ran came back; see CallCompleted for the outcomes."""

    call: str
    outcome: str
    duration_ms: int
    size: int
    content: str | None = None
    error: str | None = None
    sent: bool = True


@dataclass(frozen=True, kw_only=True)
class PresumeLost(Command):
    """Note that these process instances are gone, and with them the calls they held."""

    instances: tuple[str, ...]


class LookBack(Command):
    """Ask what an earlier command of the same id has caused; this causes nothing itself."""


def complete(call: CallRecord, command: CompleteCall) -> list[Event]:
    """Return the event of a call's end; it supersedes an unknown outcome."""
    if call.status is not _RUNNING and call.status is not CallStatus.OUTCOME_UNKNOWN:
        return []
    return [
        CallCompleted.unchecked(
            {
                "call": call.id,
                "approval": call.approval,
                "outcome": command.outcome,
                "duration_ms": command.duration_ms,
                "size": command.size,
                "content": command.content,
                "error": command.error,
                "sent": command.sent,
            }
        )
    ]


def lose(call: CallRecord) -> list[Event]:
    """Return the event of a running call whose process is gone, if that process ran it."""
    if not call.open or call.deadline is not None:
        return []
    return [_unknown(call)]


def give_up(call: CallRecord, at: datetime) -> list[Event]:
    """Return the event of a running call that its caller has not reported on in time."""
    if call.deadline is None or at < call.deadline:
        return []
    return [_unknown(call)]


_STARTS = {
    Effect.DENY: CallStatus.DENIED,
    Effect.REQUIRE_APPROVAL: CallStatus.WAITING,
}

_COMPLETED = CallStatus.COMPLETED

_ENDS = {"failed": CallStatus.FAILED}
"""By outcome, the ends that are no completion."""


def evolve(call: CallRecord | None, recorded: Recorded) -> CallRecord:
    """Return the call after `recorded`. Raises CorruptHistory. Never runs a guard."""
    match call, recorded.event:
        case None, CallDecided() as event:
            return _opened(event, recorded)
        case CallRecord(), CallCompleted() as event:
            changes: dict[str, object] = {"status": _ENDS.get(event.outcome, _COMPLETED)}
            if not event.sent:
                changes |= {"charges": (), "charged_at": None}
        case CallRecord(), (ApprovalDispatched() | CallContinued()) as event:
            charges = event.charges if isinstance(event, ApprovalDispatched) else ()
            changes = {
                "status": CallStatus.RUNNING,
                "instance": event.instance,
                "approval": event.approval,
                "report_until": _report_until(call.report_within_seconds, recorded.at),
                "charges": charges,
                "charged_at": recorded.at if charges else None,
            }
        case CallRecord(), OutcomeUnknown():
            changes = {"status": CallStatus.OUTCOME_UNKNOWN}
        case _:
            raise CorruptHistory(recorded.event)
    if recorded.stream == f"call-{call.id}":
        changes["version"] = recorded.version
    changes["position"] = recorded.position
    return call.model_copy(update=changes)


def _opened(event: CallDecided, recorded: Recorded) -> CallRecord:
    said = vars(event)  # asked for one by one, they take a pydantic model twice the time
    runs = said["observed"] or said["effect"] is _ALLOW
    within, charges = said["report_within_seconds"], said["charges"]
    return CallRecord.unchecked(
        {
            "id": said["call"],
            "version": recorded.version,
            "position": recorded.position,
            "status": _RUNNING if runs else _STARTS[event.effect],
            "agent": said["agent"],
            "server": said["server"],
            "tool": said["tool"],
            "effect": said["effect"],
            "approval": said["approval"],
            "grant": said["grant"],
            "instance": said["instance"],
            "decided_at": recorded.at,
            "report_within_seconds": within,
            "report_until": _report_until(within, recorded.at),
            "charges": charges,
            "charged_at": recorded.at if charges else None,
        }
    )


def _unknown(call: CallRecord) -> OutcomeUnknown:
    return OutcomeUnknown(call=call.id, approval=call.approval, instance=call.instance)


def _report_until(seconds: int | None, since: datetime) -> datetime | None:
    return None if seconds is None else since + timedelta(seconds=seconds)
