"""What happens at a card about a server's changed tools. Names are for ever."""

from typing import ClassVar

from ledger.events.envelopes import Event, Fact


class ShownTool(Fact):
    """A tool as a card shows it: its name and the hash of the definition.

    `before` is the hash of the definition accepted last, empty where none was.
    """

    tool: str
    hash: str
    before: str = ""


class ReviewPosted(Event):
    """A card about tools that wait to be accepted stands in the owning team's channel.

    `instructions` are, by hash, what the server told models to do before and
    what it tells them now, where the card is about that too. `blocks` are the
    very blocks, `sha256` of their JSON; `whole` says that the card shows all
    that changed.
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
    instructions: tuple[str, str] | None = None


class ReviewFound(Event):
    """A copy of such a card stands in a channel; it is painted anew with the first one."""

    TOPIC: ClassVar[str] = "ReviewFound"

    review: str
    server: str
    channel: str
    ts: str


class ReviewGone(Event):
    """The card, or a copy of it, is not in its channel any more."""

    TOPIC: ClassVar[str] = "ReviewGone"

    review: str
    server: str
    channel: str
    ts: str


class ReviewRepainted(Event):
    """The card was painted anew; `closed` says that nothing on it can be accepted any more.

    `channel` and `ts` name the copy, and are empty for the first card.
    """

    TOPIC: ClassVar[str] = "ReviewRepainted"

    review: str
    revision: int
    blocks: str
    sha256: str
    closed: bool
    channel: str = ""
    ts: str = ""


class ReviewViewed(Event):
    """A person opened a page of the details of changed tools; `page` counts from 1 to `pages`."""

    TOPIC: ClassVar[str] = "ReviewViewed"

    review: str
    person: str
    page: int
    pages: int
