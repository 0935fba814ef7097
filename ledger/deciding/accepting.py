"""Who may accept new and changed tools and instructions, and what accepting them comes to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger.deciding.state import State
from ledger.events.envelopes import Command, Draft, Event
from ledger.events.evidence import FRESH, Evidence, Standing, standing
from ledger.events.parties import Parties
from ledger.events.standing_events import InstructionsAccepted, ToolAcceptanceRefused, ToolAccepted
from ledger.lives.reviews import Review
from ledger.lives.servers import KnownServer
from ledger.lives.tools import SeenTool
from policies.people.people import Directory
from policies.values.refusals import Refused


@dataclass(frozen=True, kw_only=True)
class AcceptTools(Command):
    """Accept definitions of a server's tools: pairs of a tool's name and the hash that was read.

    `instructions` is the hash of what the server tells models, None where
    that is not accepted with them.
    `evidence` is of the person, None for an operator at the shell. `review`
    names the card they were read on, `whole` says whether it was all there or
    read to the last page.
    """

    server: str
    tools: tuple[tuple[str, str], ...]
    instructions: str | None = None
    review: str | None = None
    whole: bool = True
    evidence: Evidence | None = None


def accept(command: AcceptTools, state: State, at: datetime) -> list[Draft]:
    """Return the acceptance of everything that still has to be accepted, or one refusal.

    The card on which it was read says who read its details. Raises Refused
    where nothing of it has to be accepted.
    """
    known, server = state.tools(command.server), state.server(command.server)
    review = state.review(command.review) if command.review else None
    stale = _stale(command, known, server)
    refusal = _refusal(command, stale, review, state.directory, at)
    if refusal is not None:
        return [Draft(f"refusal-{command.id}", refusal)]
    wanted = [known[name] for name, _ in command.tools if known[name].accepted is not None]
    told = command.instructions if server is not None and server.awaits else None
    if not wanted and told is None:
        raise Refused("these tools are accepted already; there is nothing left to do")
    evidence, directory = command.evidence, state.directory
    by = command.actor if evidence is None else evidence.person_in(directory)
    drafts = [Draft(f"tool-{tool.id}", _acceptance(tool, command, by)) for tool in wanted]
    if told is not None:
        drafts.append(Draft(f"server-{command.server}", _agreement(told, command, by)))
    return drafts


def _stale(
    command: AcceptTools, known: Mapping[str, SeenTool], server: KnownServer | None
) -> list[str]:
    """Return what changed since it was read."""
    stale = [
        f"`{name}`" for name, read in command.tools if name not in known or known[name].hash != read
    ]
    newest = server.instructions[-1:] if server is not None else ()
    if command.instructions is not None and newest != (command.instructions,):
        stale.append("what the server tells models")
    return stale


def _refusal(
    command: AcceptTools,
    stale: Sequence[str],
    review: Review | None,
    directory: Directory,
    at: datetime,
) -> Event | None:
    if command.evidence is None and not command.actor.startswith("shell:"):
        raise Refused("nobody's evidence came with the acceptance; press the button again")
    because, message = "", ""
    if command.evidence is not None:
        where = _standing(command.server, command.evidence, directory, at)
        because, message = where.because, where.message
    if not because and stale:
        named = ", ".join(stale[:3])
        because, message = "changed", f"{named} changed again since; look at the newer definition"
    if not because and not command.whole and not _has_read(command, review, directory):
        because = "unread"
        message = "the card does not show everything: open Details to its last page first"
    if not because:
        return None
    evidence = command.evidence
    return ToolAcceptanceRefused(
        server=command.server,
        review=command.review,
        person=command.actor if evidence is None else evidence.person_in(directory),
        because=because,
        message=message,
        evidence=evidence,
    )


def _has_read(command: AcceptTools, review: Review | None, directory: Directory) -> bool:
    """Tell whether whoever accepts opened every page of the details."""
    if command.evidence is None or review is None:
        return command.evidence is None
    return review.has_read_all(command.evidence.person_in(directory), command.evidence.slack)


def _standing(server: str, evidence: Evidence, directory: Directory, at: datetime) -> Standing:
    """Return whether a person may decide for the team that owns the server."""
    team = directory.server_teams.get(server)
    return standing(
        evidence.person_in(directory),
        evidence,
        directory,
        teams=(team,) if team else (),
        parties=Parties(),
        group_age=FRESH,
        at=at,
    )


def _acceptance(tool: SeenTool, command: AcceptTools, by: str) -> ToolAccepted:
    return ToolAccepted(
        server=tool.server,
        tool=tool.tool,
        hash=tool.hash,
        by=by,
        review=command.review,
        evidence=command.evidence,
    )


def _agreement(hash_: str, command: AcceptTools, by: str) -> InstructionsAccepted:
    return InstructionsAccepted(
        server=command.server,
        hash=hash_,
        by=by,
        review=command.review,
        evidence=command.evidence,
    )
