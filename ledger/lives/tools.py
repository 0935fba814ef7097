"""The tools that servers were seen to define, and which of their definitions people accepted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import AwareDatetime

from ledger.events.envelopes import Command, Draft, Model, Recorded
from ledger.events.standing_events import ToolAccepted, ToolGone, ToolSeen
from ledger.lives import servers
from ledger.lives.approvals import CorruptHistory
from ledger.lives.servers import KnownServer
from policies.scans.tool_differences import changed_members
from policies.values.calls import Instructions, Tool

_MOST_KEPT = 50


class SeenTool(Model):
    """A tool's newest definition; `id` is `server/tool`.

    `accepted` is None where that definition is accepted, else the hash of the
    one accepted before it, empty where none was; `accepted_definition` is what
    that one said, and `changed` which of its members are others now. `by` and
    `at` are of the newest acceptance; nobody gave it where that was the first
    sight. `kept` are the definitions, by hash, that stay accepted should the
    server return to them.
    """

    server: str
    tool: str
    hash: str
    definition: str
    listed: bool
    accepted: str | None = None
    accepted_definition: str = ""
    changed: tuple[str, ...] = ()
    by: str = ""
    at: AwareDatetime | None = None
    kept: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Tell whether it must be known at start: a tool that was ever seen always is."""
        return True

    @property
    def awaits(self) -> bool:
        """Whether somebody has to accept the tool as its server lists it now."""
        return self.listed and self.accepted is not None

    def accepts(self, definition: str) -> bool:
        """Tell whether the definition of this hash is accepted, the newest or not."""
        return definition == _accepted(self) or definition in self.kept

    @property
    def because(self) -> str:
        """Say why its calls need a yes until it is accepted."""
        if not self.accepted:
            return "it is new at its server, and nobody accepted it yet"
        what = f" ({', '.join(self.changed)})" if self.changed else ""
        return f"its definition changed since it was accepted{what}, and nobody accepted that yet"

    def columns(self) -> dict[str, str | int | None]:
        """Return what the tools table is searched by."""
        return {"server": self.server, "hash": self.hash}


@dataclass(frozen=True, kw_only=True)
class SeeTools(Command):
    """Note the tools that a server lists; `complete` says that these are all of them.

    `before` are the names that the same list had the last time, where that is known:
    none but these can be gone, for others may be listed to other callers.
    `instructions` are what it tells models to do, None where it tells nothing. The
    tools are `accepted` where the configuration itself defines them.
    """

    server: str
    tools: tuple[Tool, ...]
    complete: bool = True
    before: frozenset[str] | None = None
    accepted: bool = False
    instructions: Instructions | None = None


def see(
    command: SeeTools, known: Mapping[str, SeenTool], server: KnownServer | None
) -> list[Draft]:
    """Return what is new, changed or gone; `known` are the server's tools by name.

    The first whole list ever seen of a server is trusted as it is: whoever
    wrote the server into the configuration chose it. What comes later has to
    be accepted.
    """
    first = command.complete and not known and not (server and server.pinned)
    drafts = _about_server(command, server, first=first)
    for tool in command.tools:
        before = known.get(tool.name)
        if before is None or before.hash != tool.hash or not before.listed:
            seen = _seen(tool, before, trusted=command.accepted, first=first)
            drafts.append(Draft(f"tool-{tool.server}/{tool.name}", seen))
    if not command.complete:
        return drafts
    listed = {tool.name for tool in command.tools}
    for name, before in known.items():
        ours = command.before is None or name in command.before
        if before.listed and ours and name not in listed:
            gone = ToolGone(server=command.server, tool=name, hash=before.hash)
            drafts.append(Draft(f"tool-{command.server}/{name}", gone))
    return drafts


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
                changed=event.changed,
                kept=tool.kept if tool else (),
            )
        case SeenTool(), ToolGone():
            return tool.model_copy(update={"listed": False, **place})
        case SeenTool(), ToolAccepted() as event:
            if event.hash != tool.hash:
                return tool.model_copy(update=place)
            return tool.model_copy(update={**_as_accepted(tool, event, recorded), **place})
        case _:
            raise CorruptHistory(recorded.event)


def waiting(tools: Iterable[SeenTool]) -> list[SeenTool]:
    """Return the tools that somebody has to accept, by name."""
    return sorted((tool for tool in tools if tool.awaits), key=lambda tool: tool.tool)


def _about_server(command: SeeTools, server: KnownServer | None, *, first: bool) -> list[Draft]:
    events = servers.instruct(command.server, server, command.instructions, first=first)
    if first and not command.tools:
        events = [*servers.pin(command.server), *events]
    return [Draft(f"server-{command.server}", event) for event in events]


def _seen(tool: Tool, before: SeenTool | None, *, trusted: bool, first: bool) -> ToolSeen:
    known = first if before is None else before.accepts(tool.hash)
    accepted = trusted or known
    compared = _accepted_definition(before)
    changed = () if accepted or not compared else changed_members(compared, tool.definition)
    return ToolSeen(
        server=tool.server,
        tool=tool.name,
        hash=tool.hash,
        definition=tool.definition,
        previous_hash=before.hash if before else None,
        accepted=accepted,
        changed=changed,
    )


def _as_accepted(tool: SeenTool, event: ToolAccepted, recorded: Recorded) -> dict[str, object]:
    """Return what an acceptance changes; the definition accepted before stays accepted too."""
    kept = dict.fromkeys([*tool.kept, *([tool.accepted] if tool.accepted else []), event.hash])
    return {
        "accepted": None,
        "accepted_definition": "",
        "changed": (),
        "by": event.by,
        "at": recorded.at,
        "kept": tuple(kept)[-_MOST_KEPT:],
    }


def _accepted(tool: SeenTool | None) -> str:
    """Return the hash that was accepted last, empty where none ever was."""
    if tool is None:
        return ""
    return tool.hash if tool.accepted is None else tool.accepted


def _accepted_definition(tool: SeenTool | None) -> str:
    if tool is None:
        return ""
    return tool.definition if tool.accepted is None else tool.accepted_definition
