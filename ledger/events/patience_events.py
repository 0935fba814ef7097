"""What happens to a question while it waits: reminders, escalation, more time. For ever."""

from typing import ClassVar

from pydantic import AwareDatetime

from ledger.events.envelopes import Event, Fact
from ledger.events.evidence import Evidence


class PlannedReminder(Fact):
    """When a team is reminded, if it has not decided by then; quiet hours are left out."""

    team: str
    at: AwareDatetime


class PlannedEscalation(Fact):
    """When the approvers of team `to` may decide in place of `team`, if that has not decided."""

    team: str
    to: str
    at: AwareDatetime


class ApprovalReminded(Event):
    """A team that has not decided is reminded, for the `number`th time."""

    TOPIC: ClassVar[str] = "ApprovalReminded"

    approval: str
    team: str
    number: int


class ApprovalEscalated(Event):
    """A team did not decide: from now on approvers of team `to` count for it as its own do."""

    TOPIC: ClassVar[str] = "ApprovalEscalated"

    approval: str
    team: str
    to: str


class ApprovalExtended(Event):
    """An approver gave the question more time; `reminders` are those of the new time."""

    TOPIC: ClassVar[str] = "ApprovalExtended"

    approval: str
    by: str
    until: AwareDatetime
    reminders: tuple[PlannedReminder, ...]
    evidence: Evidence


class StepRefused(Event):
    """A person wanted to `extend` or to `withdraw` a question, and was refused.

    `because` is a code, `message` what the person was told.
    """

    TOPIC: ClassVar[str] = "StepRefused"

    approval: str
    step: str
    person: str
    because: str
    message: str
    evidence: Evidence
