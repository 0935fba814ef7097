"""What a card about changed tools is drawn from, read from the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.events.review_events import ShownTool
from ledger.ledger import Ledger
from ledger.lives.servers import KnownServer
from ledger.lives.tools import SeenTool


@dataclass(frozen=True)
class Change:
    """A tool on a card: the definitions it is about, as texts, and the tool as it stands now.

    `before` is what was accepted last, empty for a new tool.
    """

    shown: ShownTool
    before: str
    after: str
    now: SeenTool | None

    @property
    def waits(self) -> bool:
        """Whether this very definition still has to be accepted."""
        return self.now is not None and self.now.awaits and self.now.hash == self.shown.hash


@dataclass(frozen=True)
class Instructed:
    """What a server told models to do before, and what it tells them now; `hashes` are of both.

    `now` is the server as it stands now.
    """

    before: str
    after: str
    hashes: tuple[str, str] = ("", "")
    now: KnownServer | None = None

    @property
    def waits(self) -> bool:
        """Whether this very text still has to be accepted."""
        return self.now is not None and self.now.awaits == self.hashes[1]

    @property
    def accepted(self) -> bool:
        """Whether this very text is accepted."""
        return self.now is not None and self.hashes[1] in self.now.accepted


@dataclass(frozen=True)
class Showing:
    """A card's content; `replaced` says that a newer card shows what waits at the server.

    What changed is the same through the life of a card, whatever becomes of the tools.
    """

    review: str
    server: str
    team: str
    changes: tuple[Change, ...]
    instructed: Instructed | None
    replaced: bool = False

    @property
    def instructions(self) -> tuple[str, str] | None:
        """The hashes of what the server tells models, if the card is about that too."""
        return None if self.instructed is None else self.instructed.hashes

    @property
    def waiting(self) -> int:
        """How many tools can be accepted on it, and instructions."""
        told = self.instructed is not None and self.instructed.waits
        return 0 if self.replaced else sum(change.waits for change in self.changes) + told


async def showing(
    ledger: Ledger,
    review: str,
    server: str,
    team: str,
    tools: Sequence[ShownTool],
    instructions: tuple[str, str] | None,
    *,
    replaced: bool = False,
) -> Showing:
    """Return what a card about these definitions shows now. Raises LedgerUnavailable."""
    wanted = [(one.tool, hash_) for one in tools for hash_ in (one.hash, one.before) if hash_]
    definitions = await ledger.definitions(server, wanted)
    now = {tool.tool: tool for tool in await ledger.tools(server)}
    changes = tuple(
        Change(
            shown=one,
            before=definitions.get((one.tool, one.before), ""),
            after=definitions.get((one.tool, one.hash), ""),
            now=now.get(one.tool),
        )
        for one in tools
    )
    instructed = None
    if instructions is not None:
        texts = await ledger.instructions(server, instructions)
        before, after = (texts.get(hash_, "") for hash_ in instructions)
        instructed = Instructed(before, after, instructions, await ledger.server(server))
    return Showing(review, server, team, changes, instructed, replaced)
