"""Who may accept new and changed tools, and what accepting them comes to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ledger.envelopes import Command, Draft, Event
from ledger.evidence import FRESH, Evidence, Standing, standing
from ledger.parties import Parties
from ledger.reviews import Review
from ledger.standing_events import ToolAcceptanceRefused, ToolAccepted
from ledger.tools import SeenTool
from policies.people import Directory
from policies.refusals import Refused


@dataclass(frozen=True, kw_only=True)
class AcceptTools(Command):
    """Accept definitions of a server's tools: pairs of a tool's name and the hash that was read.

    `evidence` is of the person, None for an operator at the shell. `review`
    names the card they were read on, `whole` says whether it was all there or
    read to the last page.
    """

    server: str
    tools: tuple[tuple[str, str], ...]
    review: str | None = None
    whole: bool = True
    evidence: Evidence | None = None


def accept(
    command: AcceptTools,
    known: Mapping[str, SeenTool],
    review: Review | None,
    directory: Directory,
    at: datetime,
) -> list[Draft]:
    """Return the acceptance of every tool that still has to be accepted, or one refusal.

    `review` is the card on which it was read, which says who read its details.
    Raises Refused where nothing of it has to be accepted.
    """
    refusal = _refusal(command, known, review, directory, at)
    if refusal is not None:
        return [Draft(f"refusal-{command.id}", refusal)]
    wanted = [known[name] for name, _ in command.tools if known[name].accepted is not None]
    if not wanted:
        raise Refused("these tools are accepted already; there is nothing left to do")
    by = command.actor if command.evidence is None else directory.person_at(command.evidence.slack)
    return [Draft(f"tool-{tool.id}", _acceptance(tool, command, by)) for tool in wanted]


def _refusal(
    command: AcceptTools,
    known: Mapping[str, SeenTool],
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
    stale = [name for name, read in command.tools if name not in known or known[name].hash != read]
    if not because and stale:
        named = ", ".join(f"`{name}`" for name in stale[:3])
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
        person=command.actor if evidence is None else directory.person_at(evidence.slack),
        because=because,
        message=message,
        evidence=evidence,
    )


def _has_read(command: AcceptTools, review: Review | None, directory: Directory) -> bool:
    """Tell whether whoever accepts opened every page of the details."""
    if command.evidence is None or review is None:
        return command.evidence is None
    return review.has_read_all(directory.person_at(command.evidence.slack))


def _standing(server: str, evidence: Evidence, directory: Directory, at: datetime) -> Standing:
    """Return whether a person may decide for the team that owns the server."""
    team = directory.server_teams.get(server)
    return standing(
        directory.person_at(evidence.slack),
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
