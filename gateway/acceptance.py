"""Knows which tools nobody has accepted as they are now, so that people are asked about them."""

from collections.abc import Iterable, Mapping, Sequence

from ledger.envelopes import Recorded
from ledger.standing_events import ToolAccepted, ToolGone, ToolSeen
from ledger.tools import SeenTool, evolve
from policies.acceptance import until_accepted
from policies.decisions import Assessment


class Acceptance:
    """The ledger's tools, as far as this process has heard; the writer looks again, under its lock.

    `teams` has the owning team of each server.
    """

    def __init__(self, teams: Mapping[str, str]) -> None:
        """Know no tool yet."""
        self._teams = teams
        self._seen: dict[tuple[str, str], SeenTool] = {}
        self._because: dict[tuple[str, str], str] = {}

    def learn(self, tools: Iterable[SeenTool]) -> None:
        """Take in tools as the ledger has them."""
        for tool in tools:
            self._take(tool)

    def follow(self, events: Sequence[Recorded]) -> None:
        """Take in what is seen and accepted anywhere; a listener of `Ledger.observe`."""
        for recorded in events:
            event = recorded.event
            if isinstance(event, ToolSeen | ToolGone | ToolAccepted):
                known = self._seen.get((event.server, event.tool))
                new = known is None or known.position < recorded.position
                if new and (known is not None or isinstance(event, ToolSeen)):
                    self._take(evolve(known, recorded))

    def awaits(self, server: str, tool: str) -> str | None:
        """Say why calls of a tool need a yes until it is accepted; None where it is."""
        return self._because.get((server, tool))

    def tightened(self, assessment: Assessment) -> Assessment:
        """Return the assessment as it holds while the tool is not accepted."""
        because = self.awaits(assessment.server, assessment.tool)
        if because is None:
            return assessment
        return until_accepted(assessment, self._teams.get(assessment.server, ""), because)

    def _take(self, tool: SeenTool) -> None:
        named = (tool.server, tool.tool)
        self._seen[named] = tool
        if tool.awaits:
            self._because[named] = tool.because
        else:
            self._because.pop(named, None)
