"""How long a question waits, when its teams are reminded, and who may decide in whose place."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from pydantic import AwareDatetime

from ledger.events.envelopes import Fact
from ledger.events.patience_events import (
    ApprovalEscalated,
    ApprovalExtended,
    ApprovalReminded,
    PlannedEscalation,
    PlannedReminder,
    StepRefused,
)
from policies.people.people import Directory

Step: TypeAlias = ApprovalReminded | ApprovalEscalated | ApprovalExtended | StepRefused
"""What happens to a question while it waits."""


class Patience(Fact):
    """What is planned and what was done while an approval is pending.

    `until` is when it expires if it was given more time. `escalated` names the
    team that decides in the place of another, by that; `reminded` counts the
    reminders of a team.
    """

    until: AwareDatetime | None = None
    reminders: tuple[PlannedReminder, ...] = ()
    escalations: tuple[PlannedEscalation, ...] = ()
    reminded: Mapping[str, int] = {}
    escalated: Mapping[str, str] = {}

    def after(self, event: Step, at: datetime) -> "Patience":
        """Return it after an event that was recorded at `at`."""
        match event:
            case ApprovalReminded():
                left = tuple(p for p in self.reminders if p.team != event.team or p.at > at)
                reminded = {**self.reminded, event.team: event.number}
                return self.model_copy(update={"reminders": left, "reminded": reminded})
            case ApprovalEscalated():
                left_over = tuple(plan for plan in self.escalations if plan.team != event.team)
                escalated = {**self.escalated, event.team: event.to}
                return self.model_copy(update={"escalations": left_over, "escalated": escalated})
            case ApprovalExtended():
                changes = {"until": event.until, "reminders": event.reminders}
                return self.model_copy(update=changes)
            case StepRefused():
                return self

    def deciding(self, team: str) -> tuple[str, ...]:
        """Return the teams whose approvers count for `team`."""
        other = self.escalated.get(team)
        return (team,) if other is None else (team, other)

    def next_step(self, waiting: Sequence[str]) -> datetime | None:
        """Return when something is planned for one of the teams that still have to decide."""
        planned = [plan.at for plan in self.reminders if plan.team in waiting]
        planned += [plan.at for plan in self.escalations if plan.team in waiting]
        return min(planned, default=None)


def reminders(
    teams: Sequence[str],
    asked_at: datetime,
    until: datetime,
    directory: Directory,
    *,
    first: timedelta | None = None,
    after: datetime | None = None,
) -> tuple[PlannedReminder, ...]:
    """Return the reminders of `teams` before `until`, the earliest first.

    A team is reminded `first` after it was asked, by default at half of the
    time; then after twice that, four times that, and so on, in its quiet hours
    not before they end. What is not later than `after` is over.
    """
    waits = list(_doubling(first or (until - asked_at) / 2, until - asked_at))
    planned = [
        PlannedReminder(team=team, at=at)
        for team in teams
        for at in sorted({_polite(asked_at + wait, team, directory) for wait in waits})
        if (after or asked_at) < at < until
    ]
    return tuple(sorted(planned, key=lambda plan: plan.at))


def escalations(
    teams: Sequence[str], asked_at: datetime, until: datetime, directory: Directory
) -> tuple[PlannedEscalation, ...]:
    """Return when each of `teams` loses its say alone: at half of the time, unless it says when."""
    known = [directory.teams[name] for name in teams if name in directory.teams]
    return tuple(
        PlannedEscalation(team=team.name, to=team.escalate_to, at=at)
        for team in known
        if team.escalate_to in directory.teams
        and (at := asked_at + (team.escalate_after or (until - asked_at) / 2)) < until
    )


def _doubling(first: timedelta, end: timedelta) -> Iterator[timedelta]:
    while timedelta(0) < first < end:
        yield first
        first *= 2


def _polite(at: datetime, name: str, directory: Directory) -> datetime:
    team = directory.teams.get(name)
    return team.quiet_hours.over(at) if team is not None and team.quiet_hours else at
