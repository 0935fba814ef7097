"""The cards on which people look at a server's new and changed tools."""

from dataclasses import dataclass

from pydantic import Field

from ledger.events.envelopes import Command, Draft, Event, Fact, Model, Recorded
from ledger.events.review_events import (
    ReviewFound,
    ReviewGone,
    ReviewPosted,
    ReviewRepainted,
    ReviewViewed,
    ShownTool,
)
from ledger.lives.approvals import CorruptHistory
from policies.people.people import Directory
from policies.values.refusals import Refused


class ReviewCard(Fact):
    """A copy of a card as the ledger last knew it painted; `sha256` is of its blocks."""

    channel: str
    ts: str
    sha256: str
    closed: bool = False


class Review(Model):
    """A card about tools of one server, with its copies; `id` is `rev_…`.

    `begun` is the position of its first card in the ledger. `read` has, by
    person, the pages of the details opened so far; it is complete with
    `pages`. Once all its cards are closed, nothing on them can be accepted.
    """

    server: str
    team: str
    revision: int
    tools: tuple[ShownTool, ...]
    instructions: tuple[str, str] | None
    whole: bool
    begun: int
    cards: tuple[ReviewCard, ...]
    pages: int = 0
    read: dict[str, tuple[int, ...]] = Field(default_factory=dict)

    @property
    def open(self) -> bool:
        """Tell whether a card of it is there that may have to be painted anew."""
        return any(not card.closed for card in self.cards)

    def columns(self) -> dict[str, str | int | None]:
        """Return what the reviews table is searched by."""
        return {"server": self.server}

    def has_read_all(self, *names: str) -> bool:
        """Tell whether a person, by one of these names, opened every page of the details."""
        wanted = set(range(1, self.pages + 1))
        return self.pages > 0 and any(wanted <= set(self.read.get(name, ())) for name in names)

    def stands_at(self, channel: str, ts: str) -> bool:
        """Tell whether a copy is known to stand there."""
        return any((card.channel, card.ts) == (channel, ts) for card in self.cards)


@dataclass(frozen=True, kw_only=True)
class AboutReview(Command):
    """A command about a card on changed tools."""

    review: str


@dataclass(frozen=True, kw_only=True)
class RecordReview(AboutReview):
    """Note that a card about changed tools was posted; see ReviewPosted."""

    server: str
    team: str
    channel: str
    ts: str
    revision: int
    tools: tuple[ShownTool, ...]
    instructions: tuple[str, str] | None
    blocks: str
    sha256: str
    whole: bool


@dataclass(frozen=True, kw_only=True)
class RecordReviewRepaint(AboutReview):
    """Note that such a card was painted anew; see ReviewRepainted."""

    channel: str
    ts: str
    revision: int
    blocks: str
    sha256: str
    closed: bool


@dataclass(frozen=True, kw_only=True)
class RecordReviewGone(AboutReview):
    """Note that such a card is not in its channel any more."""

    channel: str
    ts: str


@dataclass(frozen=True, kw_only=True)
class RecordReviewFound(AboutReview):
    """Note that a copy of such a card was pressed that the ledger may not know."""

    channel: str
    ts: str


@dataclass(frozen=True, kw_only=True)
class ViewReview(AboutReview):
    """Note that a person opened page `page` (from 1) of `pages` of the details."""

    slack: str
    page: int
    pages: int


def record(command: AboutReview, known: Review | None, directory: Directory) -> list[Draft]:
    """Return the event of what became of a card; a fact that is known causes none.

    Raises Refused for a card that is not known.
    """
    event: Event | None
    match command:
        case RecordReview() if known is None:
            event = _posted(command)
        case _ if known is None:
            raise Refused(f"there is no card `{command.review}` about changed tools")
        case RecordReview() | RecordReviewFound():
            event = _found(command, known)
        case RecordReviewRepaint():
            event = _repainted(command)
        case RecordReviewGone():
            where = {"channel": command.channel, "ts": command.ts}
            event = ReviewGone(review=known.id, server=known.server, **where)
        case ViewReview():
            event = ReviewViewed(
                review=command.review,
                person=directory.person_at(command.slack),
                page=command.page,
                pages=command.pages,
            )
        case _:
            message = f"no such command: {type(command).__name__}"
            raise TypeError(message)
    return [] if event is None else [Draft(f"review-{command.review}", event)]


def _posted(command: RecordReview) -> ReviewPosted:
    return ReviewPosted(
        review=command.review,
        server=command.server,
        team=command.team,
        channel=command.channel,
        ts=command.ts,
        revision=command.revision,
        tools=command.tools,
        instructions=command.instructions,
        blocks=command.blocks,
        sha256=command.sha256,
        whole=command.whole,
    )


def _repainted(command: RecordReviewRepaint) -> ReviewRepainted:
    return ReviewRepainted(
        review=command.review,
        channel=command.channel,
        ts=command.ts,
        revision=command.revision,
        blocks=command.blocks,
        sha256=command.sha256,
        closed=command.closed,
    )


def _found(command: RecordReview | RecordReviewFound, known: Review) -> ReviewFound | None:
    """Return the event of a second card: two processes posted, or one died in between."""
    if known.stands_at(command.channel, command.ts):
        return None
    return ReviewFound(review=known.id, server=known.server, channel=command.channel, ts=command.ts)


def evolve(review: Review | None, recorded: Recorded) -> Review:
    """Return the card after `recorded`. Raises CorruptHistory."""
    match review, recorded.event:
        case None, ReviewPosted() as event:
            card = ReviewCard(channel=event.channel, ts=event.ts, sha256=event.sha256)
            return Review(
                id=event.review,
                version=recorded.version,
                position=recorded.position,
                server=event.server,
                team=event.team,
                revision=event.revision,
                tools=event.tools,
                instructions=event.instructions,
                whole=event.whole,
                begun=recorded.position,
                cards=(card,),
            )
        case Review(), _:
            place = {"version": recorded.version, "position": recorded.position}
            return review.model_copy(update={**_changes(review, recorded.event), **place})
        case _:
            raise CorruptHistory(recorded.event)


def _changes(review: Review, event: Event) -> dict[str, object]:
    match event:
        case ReviewRepainted():
            first = review.cards[0] if review.cards else None
            where = (event.channel, event.ts) if event.ts or first is None else _place(first)
            card = ReviewCard(
                channel=where[0], ts=where[1], sha256=event.sha256, closed=event.closed
            )
            cards = tuple(card if _place(old) == where else old for old in review.cards)
            return {"revision": event.revision, "cards": cards}
        case ReviewFound():
            card = ReviewCard(channel=event.channel, ts=event.ts, sha256="")
            return {"cards": (*review.cards, card)}
        case ReviewGone():
            gone = (event.channel, event.ts)
            return {"cards": tuple(card for card in review.cards if _place(card) != gone)}
        case ReviewViewed():
            pages = tuple(sorted({*review.read.get(event.person, ()), event.page}))
            return {"read": {**review.read, event.person: pages}, "pages": event.pages}
        case _:
            raise CorruptHistory(event)


def _place(card: ReviewCard) -> tuple[str, str]:
    return card.channel, card.ts
