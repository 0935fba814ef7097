"""Has the ledger note what one server says of itself, as far as there is room for that."""

import logging
from collections.abc import Callable, Mapping

from gateway.tools.learning_pace import LearningPace
from ledger.events.standing_events import InstructionsSeen, ToolSeen
from ledger.ledger import Ledger
from ledger.lives.tools import SeeTools
from policies.values.calls import Instructions, Tool
from policies.values.refusals import Refused

_LOG = logging.getLogger(__name__)

_SILENT_SECONDS = 3600.0
"""Seconds for which a server that was warned of is not warned of again."""

_TOO_MUCH = "the server has changed more than is recorded in a day"


class ToolNotes:
    """What the ledger was given of one server, and what there was no room for.

    A definition that is not recorded is not known, and its tool cannot be
    called: a server that says something else each time fills no disk.
    `left_out` are the names of such tools, as far as they were listed last.
    """

    def __init__(
        self,
        server: str,
        ledger: Ledger,
        new_id: Callable[[], str],
        clock: Callable[[], float],
    ) -> None:
        """Name the server; `new_id` makes ids of commands, `clock` returns seconds."""
        self._server = server
        self._ledger = ledger
        self._new_id = new_id
        self._clock = clock
        self._pace = LearningPace(clock)
        self._warned_at: float | None = None
        self.left_out: frozenset[str] = frozenset()

    def trouble(self) -> str | None:
        """Say in words that tools are left out; None where none is."""
        if not self.left_out:
            return None
        return f"{len(self.left_out)} tools of `{self._server}` are not known: {_TOO_MUCH}"

    def refusal(self, tool: str) -> str:
        """Say in words why a tool that is left out cannot be called."""
        known = f"the tool `{tool}` of `{self._server}` is not known as it is now"
        return f"{known}: {_TOO_MUCH}; call again in an hour, or have the server's team look at it"

    async def note(
        self,
        tools: tuple[Tool, ...],
        known: Mapping[str, Tool] | None,
        told: Instructions | None,
        *,
        complete: bool,
    ) -> dict[str, Tool]:
        """Return the tools by name without those that there is no room for, once they are noted.

        Those `known` cost nothing; None is the begin, with all that the ledger
        has. `complete` and `told` are as in SeeTools. Raises Refused, with
        nothing noted.
        """
        before = None if known is None else frozenset(known)
        known = known or {}
        taken: dict[str | None, int] = {}
        told = told if told is not None and self._takes(None, told.text, taken) else None
        noted = {
            tool.name: tool
            for tool in tools
            if known.get(tool.name) == tool or self._takes(tool.name, tool.definition, taken)
        }
        seen = self._seen(tuple(noted.values()), told, complete=complete, before=before)
        for unpaid in await self._recorded(seen, taken):
            del noted[unpaid]
        listed = frozenset(tool.name for tool in tools)
        still = frozenset[str]() if complete else self.left_out
        self.left_out = still - listed | listed - noted.keys()
        self._warn()
        return noted

    async def note_instructions(self, told: Instructions) -> None:
        """Have the ledger know instructions, if there is room. Raises Refused."""
        taken: dict[str | None, int] = {}
        if self._takes(None, told.text, taken):
            await self._recorded(self._seen((), told, complete=False), taken)

    def _takes(self, what: str | None, text: str, taken: dict[str | None, int]) -> bool:
        """Take room for a tool's definition, or for instructions (None), and write that down."""
        size = len(text.encode(errors="surrogatepass"))
        if not self._pace.takes(size):
            return False
        taken[what] = size
        return True

    def _seen(
        self,
        tools: tuple[Tool, ...],
        told: Instructions | None,
        *,
        complete: bool,
        before: frozenset[str] | None = None,
    ) -> SeeTools:
        return SeeTools(
            id=self._new_id(),
            actor="placet:gateway",
            server=self._server,
            tools=tools,
            complete=complete,
            before=before,
            instructions=told,
        )

    async def _recorded(self, command: SeeTools, taken: dict[str | None, int]) -> list[str]:
        """Record what is seen; what the ledger knew already, and what it refused, costs nothing.

        Returns the tools that were news to the ledger all the same, as where the
        server tells another process something else, and for which there is no
        room. Whoever is cancelled gets nothing back: it may be recorded yet.
        """
        unpaid: list[str] = []
        try:
            for recorded in await self._ledger.execute(command):
                match recorded.event:
                    case ToolSeen(tool=tool, definition=definition):
                        if tool not in taken and not self._takes(tool, definition, taken):
                            unpaid.append(tool)
                        taken.pop(tool, None)
                    case InstructionsSeen():
                        taken.pop(None, None)
        except Refused:
            self._give_back(taken)
            raise
        self._give_back(taken)
        return unpaid

    def _give_back(self, taken: Mapping[str | None, int]) -> None:
        for size in taken.values():
            self._pace.gives_back(size)

    def _warn(self) -> None:
        trouble, now = self.trouble(), self._clock()
        if trouble is None:
            return
        if self._warned_at is None or now - self._warned_at >= _SILENT_SECONDS:
            self._warned_at = now
            _LOG.warning("left out: %s", trouble, extra={"server": self._server})
