"""The life of a freeze: begun by whoever may, lifted by a second person, ended in time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import AwareDatetime

from ledger.events.envelopes import Command, Event, Model, Recorded
from ledger.events.evidence import Evidence, Standing
from ledger.events.freeze_events import FreezeBegun, FreezeEnded, FreezeRefused
from ledger.lives.approvals import CorruptHistory
from ledger.lives.freeze_rights import may_begin, may_lift, may_lift_at_the_shell, same_user
from policies.deciding.freezes import Frozen, LiveFreeze, subject
from policies.people.people import Agent, Directory
from policies.values.refusals import Refused


class Freeze(Model):
    """A stop that a person put on an agent, a server or everything; `id` is `frz_…`.

    `slack` is the id of who began it, None where that was done at the shell.
    """

    over: Frozen
    name: str
    by: str
    slack: str | None
    reason: str | None
    begun_at: AwareDatetime
    until: AwareDatetime | None
    ended_at: AwareDatetime | None = None
    ended_by: str | None = None
    end_reason: str | None = None

    @property
    def open(self) -> bool:
        """Tell whether nobody has lifted it."""
        return self.ended_at is None

    def columns(self) -> dict[str, str | int | None]:
        """Return what the table is searched by: when it ends by itself, UTC microseconds."""
        due = self.until if self.open else None
        return {"deadline": int(due.timestamp() * 1_000_000) if due else None}

    def live(self) -> LiveFreeze:
        """Return the freeze as a decision looks at it."""
        return LiveFreeze(self.id, self.over, self.name, self.by, self.begun_at, self.until)


@dataclass(frozen=True, kw_only=True)
class BeginFreeze(Command):
    """Stop the calls of an agent, to a server, or all, for `lasting` or until it is lifted.

    `freeze` is the new one's id, `frz_…`. `evidence` is of the person, None
    for an operator at the shell.
    """

    freeze: str
    over: Frozen
    name: str
    lasting: timedelta | None = None
    reason: str | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True, kw_only=True)
class EndFreeze(Command):
    """Lift a freeze. `evidence` is None for an operator at the shell."""

    freeze: str
    reason: str | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True, kw_only=True)
class ExpireFreeze(Command):
    """End a freeze whose time has come."""

    freeze: str


def the_one_over(live: Sequence[Freeze], over: Frozen, name: str) -> str:
    """Return the id of the one freeze over something. Raises Refused for none, or several."""
    found = [freeze.id for freeze in live if (freeze.over, freeze.name) == (over, name)]
    what = subject(over, name)
    if not found:
        raise Refused(f"{what} is not frozen; `placet freezes` names what is")
    if len(found) > 1:
        raise Refused(f"{what} is frozen by {', '.join(found)}; name one of them")
    return found[0]


def begin(command: BeginFreeze, agent: Agent | None, directory: Directory, at: datetime) -> Event:
    """Return FreezeBegun, or FreezeRefused with the reason for the person who asked.

    The agent's owner may stop it too. Raises Refused where nobody's evidence
    comes with it and no shell asks.
    """
    _only_at_the_shell(command)
    problem = _problem(command, agent, directory)
    if problem is not None:
        return _unbegun(command, directory, "invalid", problem)
    evidence = command.evidence
    if evidence is not None:
        where = may_begin(command.over, command.name, evidence, agent, directory, at)
        if where.because:
            return _unbegun(command, directory, where.because, where.message)
    return FreezeBegun(
        freeze=command.freeze,
        over=command.over,
        name=command.name,
        by=_who(command, directory),
        reason=command.reason,
        until=at + command.lasting if command.lasting is not None else None,
        evidence=evidence,
    )


def end(
    freeze: Freeze, command: EndFreeze, agent: Agent | None, directory: Directory, at: datetime
) -> Event:
    """Return FreezeEnded, or FreezeRefused: it takes a second person who may decide there.

    For an agent that is never its owner, nor the person it acts for. Raises
    Refused for a freeze that has ended.
    """
    _only_at_the_shell(command)
    if not freeze.open or (freeze.until is not None and at >= freeze.until):
        raise Refused(f"freeze `{freeze.id}` has ended already")
    where = _may_end(freeze, command, agent, directory, at)
    if where.because:
        return FreezeRefused(
            freeze=freeze.id,
            over=freeze.over,
            name=freeze.name,
            person=_who(command, directory),
            because=where.because,
            message=where.message,
            evidence=command.evidence,
        )
    return FreezeEnded(
        freeze=freeze.id,
        by=_who(command, directory),
        reason=command.reason,
        evidence=command.evidence,
    )


def expire(freeze: Freeze, at: datetime) -> list[Event]:
    """Return FreezeEnded where the freeze holds and its time has come."""
    if not freeze.open or freeze.until is None or at < freeze.until:
        return []
    return [FreezeEnded(freeze=freeze.id, by=None, reason=None, evidence=None)]


def evolve(freeze: Freeze | None, recorded: Recorded) -> Freeze:
    """Return the freeze after `recorded`. Raises CorruptHistory. Never runs a guard."""
    match freeze, recorded.event:
        case None, FreezeBegun() as event:
            return Freeze(
                id=event.freeze,
                version=recorded.version,
                position=recorded.position,
                over=event.over,
                name=event.name,
                by=event.by,
                slack=event.evidence.slack if event.evidence else None,
                reason=event.reason,
                begun_at=recorded.at,
                until=event.until,
            )
        case Freeze(), FreezeEnded() as event:
            changes = {
                "version": recorded.version,
                "position": recorded.position,
                "ended_at": recorded.at,
                "ended_by": event.by,
                "end_reason": event.reason,
            }
            return freeze.model_copy(update=changes)
        case _:
            raise CorruptHistory(recorded.event)


def _problem(command: BeginFreeze, agent: Agent | None, directory: Directory) -> str | None:
    if command.lasting is not None and command.lasting <= timedelta(0):
        return "a freeze has to last longer than nothing; write for example `for 2h`"
    match command.over:
        case Frozen.AGENT if agent is None:
            return f"there is no agent `{command.name}`; `placet agent list` names them"
        case Frozen.SERVER if command.name not in directory.server_teams:
            known = ", ".join(f"`{name}`" for name in sorted(directory.server_teams))
            return f"there is no server `{command.name}`; the servers are {known or 'none'}"
        case _:
            return None


def _may_end(
    freeze: Freeze, command: EndFreeze, agent: Agent | None, directory: Directory, at: datetime
) -> Standing:
    """Return whether whoever asks may lift a freeze: never who began it."""
    evidence = command.evidence
    person = directory.person_behind(_who(command, directory))
    own = person == directory.person_behind(freeze.by)
    if own or (evidence is not None and same_user(evidence.slack, freeze.slack)):
        what = subject(freeze.over, freeze.name)
        message = f"you froze {what} yourself: a second person has to lift it"
        return Standing(because="own-freeze", message=message)
    if evidence is None:
        return may_lift_at_the_shell(freeze.over, person, agent)
    return may_lift(freeze.over, freeze.name, evidence, agent, directory, at)


def _only_at_the_shell(command: BeginFreeze | EndFreeze) -> None:
    if command.evidence is None and not command.actor.startswith("shell:"):
        raise Refused("only an operator at the shell freezes without Slack's word")


def _who(command: BeginFreeze | EndFreeze, directory: Directory) -> str:
    evidence = command.evidence
    return command.actor if evidence is None else evidence.person_in(directory)


def _unbegun(
    command: BeginFreeze, directory: Directory, because: str, message: str
) -> FreezeRefused:
    return FreezeRefused(
        freeze=None,
        over=command.over,
        name=command.name,
        person=_who(command, directory),
        because=because,
        message=message,
        evidence=command.evidence,
    )
