"""What happens at a card: it is posted, painted, read and voted on. Names are for ever."""

from typing import ClassVar

from ledger.events.envelopes import Event
from ledger.events.evidence import Evidence


class CardPosted(Event):
    """A card stands in a team's channel: the very blocks, and the SHA-256 of their JSON.

    `whole` says that the card shows the call in full. A card may ask several
    questions: `members` are then all of them, and the blocks those of this one.
    """

    TOPIC: ClassVar[str] = "CardPosted"

    approval: str
    team: str
    channel: str
    ts: str
    revision: int
    blocks: str
    sha256: str
    whole: bool
    members: tuple[str, ...] = ()


class CardRepainted(Event):
    """A card was painted anew after the ledger moved on."""

    TOPIC: ClassVar[str] = "CardRepainted"

    approval: str
    channel: str
    ts: str
    revision: int
    blocks: str
    sha256: str


class CardFound(Event):
    """A card that the ledger did not know was clicked, or seen in its channel.

    It is painted from now on.
    """

    TOPIC: ClassVar[str] = "CardFound"

    approval: str
    team: str
    channel: str
    ts: str
    revision: int
    members: tuple[str, ...] = ()


class CardWanted(Event):
    """A person wants a card for this question alone, which stands on one with others."""

    TOPIC: ClassVar[str] = "CardWanted"

    approval: str
    person: str


class CardUndeliverable(Event):
    """Slack would not take the card for a team; the approval stays pending."""

    TOPIC: ClassVar[str] = "CardUndeliverable"

    approval: str
    team: str
    channel: str
    error: str


class DetailsViewed(Event):
    """A person opened a page of an approval's details; `page` counts from 1 to `pages`."""

    TOPIC: ClassVar[str] = "DetailsViewed"

    approval: str
    person: str
    page: int
    pages: int


class VoteCast(Event):
    """A person voted on the revision of the card that they saw.

    Under a `delegation` it is the vote of the `giver`, of whom `giver_evidence` is.
    """

    TOPIC: ClassVar[str] = "VoteCast"

    approval: str
    person: str
    approves: bool
    teams: tuple[str, ...]
    reason: str | None
    channel: str
    ts: str
    revision: int
    evidence: Evidence
    delegation: str | None = None
    giver: str | None = None
    giver_evidence: Evidence | None = None


class VoteRefused(Event):
    """A vote did not count. `because` is a code, `message` what the person was told."""

    TOPIC: ClassVar[str] = "VoteRefused"

    approval: str
    person: str
    approves: bool
    because: str
    message: str
    channel: str
    ts: str
    revision: int
    evidence: Evidence
