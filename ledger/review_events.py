"""What happens at a card about a server's changed tools. Names are for ever."""

from typing import ClassVar

from ledger.envelopes import Event, Fact


class ShownTool(Fact):
    """A tool as a card shows it: its name and the hash of the definition."""

    tool: str
    hash: str


class ReviewPosted(Event):
    """A card about tools that wait to be accepted stands in the owning team's channel.

    `blocks` are the very blocks, `sha256` of their JSON; `whole` says that the
    card shows all that changed.
    """

    TOPIC: ClassVar[str] = "ReviewPosted"

    review: str
    server: str
    team: str
    channel: str
    ts: str
    revision: int
    tools: tuple[ShownTool, ...]
    blocks: str
    sha256: str
    whole: bool


class ReviewRepainted(Event):
    """The card was painted anew; `closed` says that nothing on it can be accepted any more."""

    TOPIC: ClassVar[str] = "ReviewRepainted"

    review: str
    revision: int
    blocks: str
    sha256: str
    closed: bool


class ReviewViewed(Event):
    """A person opened a page of the details of changed tools; `page` counts from 1 to `pages`."""

    TOPIC: ClassVar[str] = "ReviewViewed"

    review: str
    person: str
    page: int
    pages: int
