"""The tools that servers were seen to define."""

from collections.abc import Mapping
from dataclasses import dataclass

from ledger.approvals import CorruptHistory
from ledger.envelopes import Command, Draft, Model, Recorded
from ledger.standing_events import ToolGone, ToolSeen
from policies.calls import Tool


class SeenTool(Model):
    """A tool's newest definition; `id` is `server/tool`."""

    server: str
    tool: str
    hash: str
    definition: str
    listed: bool

    @property
    def open(self) -> bool:
        """Tell whether it must be known at start: a tool that was ever seen always is."""
        return True

    def columns(self) -> dict[str, str | int | None]:
        """Return what the tools table is searched by."""
        return {"server": self.server, "hash": self.hash}


@dataclass(frozen=True, kw_only=True)
class SeeTools(Command):
    """Note the tools that a server lists; `complete` says that these are all of them."""

    server: str
    tools: tuple[Tool, ...]
    complete: bool = True


def see(command: SeeTools, known: Mapping[str, SeenTool]) -> list[Draft]:
    """Return what is new, changed or gone; `known` are the server's tools by name."""
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


def evolve(tool: SeenTool | None, recorded: Recorded) -> SeenTool:
    """Return the tool after `recorded`. Raises CorruptHistory."""
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
            )
        case SeenTool(), ToolGone():
            return tool.model_copy(
                update={
                    "listed": False,
                    "version": recorded.version,
                    "position": recorded.position,
                }
            )
        case _:
            raise CorruptHistory(recorded.event)
