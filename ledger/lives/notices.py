"""The messages that tell a channel of freezes, requests and the like, as they stand there."""

from dataclasses import dataclass

from ledger.events.envelopes import Command, Draft, Event, Model, Recorded
from ledger.events.notice_events import NoticePosted, NoticeRepainted
from ledger.lives.approvals import CorruptHistory
from policies.values.refusals import Refused


class Notice(Model):
    """A message about something; `sha256` is of the blocks as they were painted last."""

    about: str
    team: str
    channel: str
    ts: str
    sha256: str
    closed: bool = False

    @property
    def open(self) -> bool:
        """Tell whether it may have to be painted anew."""
        return not self.closed

    def columns(self) -> dict[str, str | int | None]:
        """Return what the notices table is searched by."""
        return {"about": self.about}


@dataclass(frozen=True, kw_only=True)
class RecordNotice(Command):
    """Note that a message was posted; see NoticePosted."""

    notice: str
    about: str
    team: str
    channel: str
    ts: str
    blocks: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class RecordNoticeRepaint(Command):
    """Note that a message was painted anew; see NoticeRepainted."""

    notice: str
    blocks: str
    sha256: str
    closed: bool


def record(command: RecordNotice | RecordNoticeRepaint, known: Notice | None) -> list[Draft]:
    """Return the event of what became of a message; a second copy of it causes none.

    Raises Refused for a message that is not known.
    """
    event: Event
    match command:
        case RecordNotice() if known is None:
            event = NoticePosted(
                notice=command.notice,
                about=command.about,
                team=command.team,
                channel=command.channel,
                ts=command.ts,
                blocks=command.blocks,
                sha256=command.sha256,
            )
        case RecordNotice():
            return []
        case RecordNoticeRepaint() if known is not None:
            event = NoticeRepainted(
                notice=command.notice,
                blocks=command.blocks,
                sha256=command.sha256,
                closed=command.closed,
            )
        case RecordNoticeRepaint():
            raise Refused(f"there is no notice `{command.notice}`")
    return [Draft(f"notice-{command.notice}", event)]


def evolve(notice: Notice | None, recorded: Recorded) -> Notice:
    """Return the message after `recorded`. Raises CorruptHistory."""
    match notice, recorded.event:
        case None, NoticePosted() as event:
            return Notice(
                id=event.notice,
                version=recorded.version,
                position=recorded.position,
                about=event.about,
                team=event.team,
                channel=event.channel,
                ts=event.ts,
                sha256=event.sha256,
            )
        case Notice(), NoticeRepainted() as event:
            changes = {
                "version": recorded.version,
                "position": recorded.position,
                "sha256": event.sha256,
                "closed": event.closed,
            }
            return notice.model_copy(update=changes)
        case _:
            raise CorruptHistory(recorded.event)
