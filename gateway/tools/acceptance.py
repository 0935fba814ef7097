"""Knows which tools and instructions nobody has accepted as they are now."""

from collections.abc import Iterable, Mapping, Sequence

from ledger.events.envelopes import Recorded
from ledger.events.standing_events import (
    InstructionsAccepted,
    InstructionsSeen,
    ToolAccepted,
    ToolGone,
    ToolSeen,
)
from ledger.lives.servers import KnownServer
from ledger.lives.tools import SeenTool, evolve
from policies.deciding.acceptance import until_accepted
from policies.rules.decisions import Assessment


class Acceptance:
    """The ledger's tools, as far as this process has heard; the writer looks again, under its lock.

    What servers tell models is known too, as far as it is accepted.

    `teams` has the owning team of each server.
    """

    def __init__(self, teams: Mapping[str, str]) -> None:
        """Know no tool yet."""
        self._teams = teams
        self._seen: dict[tuple[str, str], SeenTool] = {}
        self._because: dict[tuple[str, str], str] = {}
        self._told: set[tuple[str, str]] = set()

    def learn(self, tools: Iterable[SeenTool]) -> None:
        """Take in tools as the ledger has them."""
        for tool in tools:
            self._take(tool)

    def learn_server(self, server: str, known: KnownServer | None) -> None:
        """Take in what is known of a server as a whole."""
        self._told |= {(server, accepted) for accepted in (known.accepted if known else ())}

    def follow(self, events: Sequence[Recorded]) -> None:
        """Take in what is seen and accepted anywhere; a listener of `Ledger.observe`."""
        for recorded in events:
            event = recorded.event
            match event:
                case InstructionsAccepted() | InstructionsSeen(accepted=True):
                    self._told.add((event.server, event.hash))
            if isinstance(event, ToolSeen | ToolGone | ToolAccepted):
                known = self._seen.get((event.server, event.tool))
                new = known is None or known.position < recorded.position
                if new and (known is not None or isinstance(event, ToolSeen)):
                    self._take(evolve(known, recorded))

    def tells(self, server: str, instructions: str) -> bool:
        """Tell whether instructions of this hash may be passed on."""
        return (server, instructions) in self._told

    def awaits(self, server: str, tool: str) -> str | None:
        """Say why calls of a tool need a yes until it is accepted; None where it is."""
        return self._because.get((server, tool))

    def tightened(self, assessment: Assessment, definition: str) -> Assessment:
        """Return the assessment as it holds while the tool is not accepted.

        `definition` is the hash of the caller's: the newest one may be that of another session.
        """
        because = self.awaits(assessment.server, assessment.tool)
        if because is None:
            return assessment
        if self._seen[assessment.server, assessment.tool].accepts(definition):
            return assessment
        return until_accepted(assessment, self._teams.get(assessment.server, ""), because)

    def _take(self, tool: SeenTool) -> None:
        named = (tool.server, tool.tool)
        self._seen[named] = tool
        if tool.awaits:
            self._because[named] = tool.because
        else:
            self._because.pop(named, None)
