"""The cards on which people look at a server's new and changed tools."""

from dataclasses import dataclass

from pydantic import Field

from ledger.approvals import CorruptHistory
from ledger.envelopes import Command, Draft, Event, Model, Recorded
from ledger.review_events import ReviewPosted, ReviewRepainted, ReviewViewed, ShownTool
from policies.people import Directory
from policies.refusals import Refused


class Review(Model):
    """A card about tools of one server; `id` is `rev_…`.

    `read` has, by person, the pages of the details opened so far; it is
    complete with `pages`. Once `closed`, nothing on it can be accepted.
    """

    server: str
    team: str
    channel: str
    ts: str
    revision: int
    tools: tuple[ShownTool, ...]
    sha256: str
    whole: bool
    closed: bool = False
    pages: int = 0
    read: dict[str, tuple[int, ...]] = Field(default_factory=dict)

    @property
    def open(self) -> bool:
        """Tell whether something on it may still be accepted."""
        return not self.closed

    def columns(self) -> dict[str, str | int | None]:
        """Return what the reviews table is searched by."""
        return {"server": self.server}

    def has_read_all(self, person: str) -> bool:
        """Tell whether a person opened every page of the details."""
        return self.pages > 0 and set(range(1, self.pages + 1)) <= set(self.read.get(person, ()))


@dataclass(frozen=True, kw_only=True)
class RecordReview(Command):
    """Note that a card about changed tools was posted; see ReviewPosted."""

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


@dataclass(frozen=True, kw_only=True)
class RecordReviewRepaint(Command):
    """Note that such a card was painted anew; see ReviewRepainted."""

    review: str
    revision: int
    blocks: str
    sha256: str
    closed: bool


@dataclass(frozen=True, kw_only=True)
class ViewReview(Command):
    """Note that a person opened page `page` (from 1) of `pages` of the details."""

    review: str
    slack: str
    page: int
    pages: int


def record(
    command: RecordReview | RecordReviewRepaint | ViewReview,
    known: Review | None,
    directory: Directory,
) -> list[Draft]:
    """Return the event of what became of a card. Raises Refused for one that is not known."""
    event: Event
    match command:
        case RecordReview():
            event = ReviewPosted(
                review=command.review,
                server=command.server,
                team=command.team,
                channel=command.channel,
                ts=command.ts,
                revision=command.revision,
                tools=command.tools,
                blocks=command.blocks,
                sha256=command.sha256,
                whole=command.whole,
            )
        case _ if known is None:
            raise Refused(f"there is no card `{command.review}` about changed tools")
        case RecordReviewRepaint():
            event = ReviewRepainted(
                review=command.review,
                revision=command.revision,
                blocks=command.blocks,
                sha256=command.sha256,
                closed=command.closed,
            )
        case ViewReview():
            event = ReviewViewed(
                review=command.review,
                person=directory.person_at(command.slack),
                page=command.page,
                pages=command.pages,
            )
    return [Draft(f"review-{command.review}", event)]


def evolve(review: Review | None, recorded: Recorded) -> Review:
    """Return the card after `recorded`. Raises CorruptHistory."""
    place: dict[str, object] = {"version": recorded.version, "position": recorded.position}
    match review, recorded.event:
        case None, ReviewPosted() as event:
            return Review(
                id=event.review,
                version=recorded.version,
                position=recorded.position,
                server=event.server,
                team=event.team,
                channel=event.channel,
                ts=event.ts,
                revision=event.revision,
                tools=event.tools,
                sha256=event.sha256,
                whole=event.whole,
            )
        case Review(), ReviewRepainted() as event:
            painted = {
                "revision": event.revision,
                "sha256": event.sha256,
                "closed": event.closed,
            }
            return review.model_copy(update={**painted, **place})
        case Review(), ReviewViewed() as event:
            pages = tuple(sorted({*review.read.get(event.person, ()), event.page}))
            read = {"read": {**review.read, event.person: pages}, "pages": event.pages}
            return review.model_copy(update={**read, **place})
        case _:
            raise CorruptHistory(recorded.event)
