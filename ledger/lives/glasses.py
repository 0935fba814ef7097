"""Break-glass: one person approves alone in an emergency, and a second one looks at it later."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import AwareDatetime

from ledger.events.envelopes import Command, Event, Model, Recorded
from ledger.events.events import ApprovalExpired, ApprovalGiven, ApprovalTerm
from ledger.events.evidence import Evidence, Standing
from ledger.events.glass_events import BreakGlassRefused, BreakGlassReviewed, BreakGlassUsed
from ledger.lives.approvals import Approval, ApprovalStatus, CorruptHistory
from ledger.lives.deadlines_due import overdue
from ledger.lives.glass_rights import may_break, may_sign_off, may_sign_off_at_the_shell
from policies.people.people import Directory
from policies.values.refusals import Refused


class Glass(Model):
    """A broken glass; `id` is `brk_…`, `slack` of who broke it."""

    approval: str
    agent: str
    server: str
    tool: str
    by: str
    slack: str
    reason: str
    skipped: tuple[str, ...]
    teams: tuple[str, ...]
    broken_at: AwareDatetime
    reviewed_at: AwareDatetime | None = None
    reviewed_by: str | None = None
    note: str | None = None

    @property
    def open(self) -> bool:
        """Tell whether nobody else has signed it off yet."""
        return self.reviewed_at is None

    def columns(self) -> dict[str, str | int | None]:
        """Return what the table is searched by."""
        return {"approval": self.approval}


@dataclass(frozen=True, kw_only=True)
class BreakGlass(Command):
    """Approve a pending approval alone.

    `channel`, `ts` and `revision` name its card; `whole` says whether that
    shows the call in full. `evidence` is of the person.
    """

    approval: str
    reason: str
    channel: str
    ts: str
    revision: int
    whole: bool
    evidence: Evidence


@dataclass(frozen=True, kw_only=True)
class SignOff(Command):
    """Sign a broken glass off after looking at it. `evidence` is None at the shell."""

    approval: str
    note: str | None = None
    evidence: Evidence | None = None


def glass_of(approval: str) -> str:
    """Return the id of the glass that is broken for an approval: there is one at most."""
    return f"brk_{approval.removeprefix('apr_')}"


def break_glass(
    approval: Approval, command: BreakGlass, directory: Directory, at: datetime
) -> list[Event]:
    """Return BreakGlassUsed with ApprovalGiven, or BreakGlassRefused.

    It overrules nobody who said no, and nothing that has ended.
    """
    expired = overdue(approval, at)
    if isinstance(expired, ApprovalExpired):
        message = "this request expired before; the agent has to ask again"
        return [expired, _refused(command, directory, Standing(because="expired", message=message))]
    where = _may_break(approval, command, directory, at)
    if where.because:
        return [_refused(command, directory, where)]
    by = command.evidence.person_in(directory)
    request = approval.request
    used = BreakGlassUsed(
        glass=glass_of(approval.id),
        approval=approval.id,
        agent=request.agent,
        server=request.server,
        tool=request.tool,
        by=by,
        reason=command.reason,
        missing=_missing(approval),
        skipped=_skipped(approval, by, directory),
        channel=command.channel,
        ts=command.ts,
        revision=command.revision,
        evidence=command.evidence,
    )
    given = ApprovalGiven(
        approval=approval.id,
        by=(by,),
        use_until=at + timedelta(seconds=request.use_within_seconds),
        broke_glass=used.glass,
    )
    return [used, given]


def sign_off(
    glass: Glass, approval: Approval, command: SignOff, directory: Directory, at: datetime
) -> Event:
    """Return BreakGlassReviewed, or BreakGlassRefused. Raises Refused where it was signed off."""
    if command.evidence is None and not command.actor.startswith("shell:"):
        raise Refused("nobody's evidence came with it; press the button again")
    if not glass.open:
        raise Refused(f"`{glass.approval}` was signed off already by `{glass.reviewed_by}`")
    if command.evidence is not None:
        where = may_sign_off(approval, glass.by, glass.slack, command.evidence, directory, at)
    else:
        person = directory.person_behind(command.actor)
        where = may_sign_off_at_the_shell(approval, person, glass.by)
    if where.because:
        return _refused(command, directory, where)
    return BreakGlassReviewed(
        glass=glass.id,
        approval=glass.approval,
        by=_who(command, directory),
        note=command.note,
        evidence=command.evidence,
    )


def evolve(glass: Glass | None, recorded: Recorded) -> Glass:
    """Return the glass after `recorded`. Raises CorruptHistory. Never runs a guard."""
    match glass, recorded.event:
        case None, BreakGlassUsed() as event:
            return Glass(
                id=event.glass,
                version=recorded.version,
                position=recorded.position,
                approval=event.approval,
                agent=event.agent,
                server=event.server,
                tool=event.tool,
                by=event.by,
                slack=event.evidence.slack,
                reason=event.reason,
                skipped=event.skipped,
                teams=tuple(term.team for term in event.missing),
                broken_at=recorded.at,
            )
        case Glass(), BreakGlassReviewed() as event:
            changes = {
                "version": recorded.version,
                "position": recorded.position,
                "reviewed_at": recorded.at,
                "reviewed_by": event.by,
                "note": event.note,
            }
            return glass.model_copy(update=changes)
        case _:
            raise CorruptHistory(recorded.event)


def could_break(
    approval: Approval, evidence: Evidence, directory: Directory, at: datetime
) -> Standing:
    """Return whether there is a glass that a person may break at `at` (UTC)."""
    if approval.status is not ApprovalStatus.PENDING:
        message = f"this approval is {approval.status}: there is no glass to break"
        return Standing(because="already-decided", message=message)
    return may_break(approval, evidence, directory, at)


def _may_break(
    approval: Approval, command: BreakGlass, directory: Directory, at: datetime
) -> Standing:
    where = could_break(approval, command.evidence, directory, at)
    if where.because:
        return where
    if not command.reason.strip():
        return Standing(because="reason-required", message="breaking the glass takes a reason")
    person = command.evidence.person_in(directory)
    if not command.whole and not approval.has_read_all(person, command.evidence.slack):
        message = "the card does not show the whole call: open Details to its last page first"
        return Standing(because="unread", message=message)
    return where


def _missing(approval: Approval) -> tuple[ApprovalTerm, ...]:
    """Return how many votes each team that was asked had not given."""
    return tuple(
        ApprovalTerm(team=term.team, approvals=max(term.approvals - given, 0))
        for term in approval.request.terms
        for given in [len(approval.yes_votes(term.team))]
    )


def _skipped(approval: Approval, by: str, directory: Directory) -> tuple[str, ...]:
    """Return the approvers by name who were not waited for."""
    voted = {vote.person for vote in approval.votes}
    named = [
        person
        for term in approval.request.terms
        if (team := directory.teams.get(term.team)) is not None
        for person in team.approvers
    ]
    return tuple(person for person in dict.fromkeys(named) if person not in voted | {by})


def _who(command: BreakGlass | SignOff, directory: Directory) -> str:
    evidence = command.evidence
    return command.actor if evidence is None else evidence.person_in(directory)


def _refused(
    command: BreakGlass | SignOff, directory: Directory, where: Standing
) -> BreakGlassRefused:
    return BreakGlassRefused(
        approval=command.approval,
        person=_who(command, directory),
        signing=isinstance(command, SignOff),
        because=where.because,
        message=where.message,
        evidence=command.evidence,
    )
