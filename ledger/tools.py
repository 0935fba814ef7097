"""The tools that servers were seen to define, and which of their definitions people accepted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ledger.approvals import CorruptHistory
from ledger.envelopes import Command, Draft, Event, Model, Recorded
from ledger.evidence import FRESH, Evidence, Standing, standing
from ledger.reviews import Review
from ledger.standing_events import ToolAcceptanceRefused, ToolAccepted, ToolGone, ToolSeen
from policies.calls import Tool
from policies.people import Directory
from policies.refusals import Refused


class SeenTool(Model):
    """A tool's newest definition; `id` is `server/tool`.

    `accepted` is None where that definition is accepted, else the hash of the
    one accepted before it, empty where none was; `accepted_definition` is what
    that one said.
    """

    server: str
    tool: str
    hash: str
    definition: str
    listed: bool
    accepted: str | None = None
    accepted_definition: str = ""

    @property
    def open(self) -> bool:
        """Tell whether it must be known at start: a tool that was ever seen always is."""
        return True

    @property
    def awaits(self) -> bool:
        """Whether somebody has to accept the tool as its server lists it now."""
        return self.listed and self.accepted is not None

    @property
    def because(self) -> str:
        """Say why its calls need a yes until it is accepted."""
        if self.accepted:
            return "its definition changed since it was accepted, and nobody accepted the change"
        return "it is new at its server, and nobody accepted it yet"

    def columns(self) -> dict[str, str | int | None]:
        """Return what the tools table is searched by."""
        return {"server": self.server, "hash": self.hash}


@dataclass(frozen=True, kw_only=True)
class SeeTools(Command):
    """Note the tools that a server lists; `complete` says that these are all of them.

    They are `accepted` where the configuration itself defines them.
    """

    server: str
    tools: tuple[Tool, ...]
    complete: bool = True
    accepted: bool = False


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


def see(command: SeeTools, known: Mapping[str, SeenTool]) -> list[Draft]:
    """Return what is new, changed or gone; `known` are the server's tools by name.

    The first list ever seen of a server is trusted as it is: whoever wrote the
    server into the configuration chose it. What comes later has to be accepted.
    """
    drafts = []
    for tool in command.tools:
        before = known.get(tool.name)
        if before is not None and before.hash == tool.hash and before.listed:
            continue
        seen = ToolSeen(
            server=command.server,
            tool=tool.name,
            hash=tool.hash,
            definition=tool.definition,
            previous_hash=before.hash if before else None,
            accepted=command.accepted
            or (not known if before is None else _accepted(before) == tool.hash),
        )
        drafts.append(Draft(f"tool-{command.server}/{tool.name}", seen))
    if not command.complete:
        return drafts
    listed = {tool.name for tool in command.tools}
    for name, before in known.items():
        if before.listed and name not in listed:
            gone = ToolGone(server=command.server, tool=name, hash=before.hash)
            drafts.append(Draft(f"tool-{command.server}/{name}", gone))
    return drafts


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


def evolve(tool: SeenTool | None, recorded: Recorded) -> SeenTool:
    """Return the tool after `recorded`. Raises CorruptHistory."""
    place: dict[str, object] = {"version": recorded.version, "position": recorded.position}
    match tool, recorded.event:
        case _, ToolSeen() as event:
            return SeenTool(
                id=f"{event.server}/{event.tool}",
                version=recorded.version,
                position=recorded.position,
                server=event.server,
                tool=event.tool,
                hash=event.hash,
                definition=event.definition,
                listed=True,
                accepted=None if event.accepted else _accepted(tool),
                accepted_definition="" if event.accepted else _accepted_definition(tool),
            )
        case SeenTool(), ToolGone():
            return tool.model_copy(update={"listed": False, **place})
        case SeenTool(), ToolAccepted() as event:
            if event.hash != tool.hash:
                return tool.model_copy(update=place)
            accepted = {"accepted": None, "accepted_definition": ""}
            return tool.model_copy(update={**accepted, **place})
        case _:
            raise CorruptHistory(recorded.event)


def waiting(tools: Iterable[SeenTool]) -> list[SeenTool]:
    """Return the tools that somebody has to accept, by name."""
    return sorted((tool for tool in tools if tool.awaits), key=lambda tool: tool.tool)


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
    if not because and not command.whole and not _has_read(command, review, directory):
        because = "unread"
        message = "the card does not show everything: open Details to its last page first"
    stale = [name for name, read in command.tools if name not in known or known[name].hash != read]
    if not because and stale:
        named = ", ".join(f"`{name}`" for name in stale[:3])
        because, message = "changed", f"{named} changed again since; look at the newer definition"
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
        apart=frozenset(),
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


def _accepted(tool: SeenTool | None) -> str:
    """Return the hash that was accepted last, empty where none ever was."""
    if tool is None:
        return ""
    return tool.hash if tool.accepted is None else tool.accepted


def _accepted_definition(tool: SeenTool | None) -> str:
    if tool is None:
        return ""
    return tool.definition if tool.accepted is None else tool.accepted_definition
