"""The only writer of channel messages: follows the ledger and keeps every card up to date."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

from bot.channels.backlog import Backlog
from bot.channels.copies import Copies
from bot.channels.delivery import Delivery
from bot.channels.notice_delivery import NoticeDelivery
from bot.channels.notice_subjects import subject_of, touches_cards
from bot.channels.review_delivery import ReviewDelivery
from bot.slack.outbox import NotTaken
from ledger.events.envelopes import Recorded
from ledger.events.review_events import ReviewFound, ReviewPosted
from ledger.events.standing_events import (
    InstructionsAccepted,
    InstructionsSeen,
    ToolAccepted,
    ToolGone,
    ToolSeen,
)
from ledger.ledger import Ledger
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.views.approval_pages import approval_pages
from policies.values.refusals import Refused

LEASE = 6.0
"""Seconds for which one process is the courier; it renews each second."""

LOOK = 20.0
"""Seconds after which it is looked again at what only the clock tells."""

_TOOLS = "tools of "
"""What stands before a server's name in the backlog; ids of approvals hold no blanks."""

_COPIES = "copies in "
"""What stands before the id of a channel that has to be read."""

_EVERY = "every card"
"""Stands in the backlog for all cards that may have to say something else now."""

_TOGETHER = 0.5
"""Seconds for which changes of a server's tools wait for one another, to be on one card."""

_ABOUT_TOOLS = (
    ToolSeen,
    ToolGone,
    ToolAccepted,
    InstructionsSeen,
    InstructionsAccepted,
    ReviewPosted,
    ReviewFound,
)

_RENEW = 1.0
_ATTEMPT = 4.0
_HANDS = 4
_RECENT = 500
_LIVE = (ApprovalStatus.PENDING, ApprovalStatus.APPROVED, ApprovalStatus.DISPATCHED)
_LOG = logging.getLogger(__name__)


class Courier:
    """Posts and repaints cards in one process at a time, over restarts and outages.

    What it does follows from the ledger alone: an approval without a card gets
    one, a card that shows an older state is painted anew. So it may be told of
    the same event twice, or only start after it.
    """

    def __init__(
        self,
        ledger: Ledger,
        delivery: Delivery,
        reviews: ReviewDelivery,
        notices: NoticeDelivery,
        copies: Copies,
        retried: Callable[[], None] = lambda: None,
    ) -> None:
        """Take the collaborators; `retried` is called for each attempt that failed."""
        self._ledger = ledger
        self._reviews = reviews
        self._notices = notices
        self._copies = copies
        self._retried = retried
        self._delivery = delivery
        self._leave: Callable[[], None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._hands: set[asyncio.Task[None]] = set()
        self._backlog = Backlog(lambda: asyncio.get_running_loop().time())
        self._held_until = 0.0
        self._troubles: dict[str, str] = {}
        self._rests: str | None = None

    def start(self) -> None:
        """Begin to follow the ledger."""
        self._leave = self._ledger.observe(self._heard, plain_calls=False)
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop, let what is being sent end, and hand the lease to whoever wants it."""
        if self._leave is not None:
            self._leave()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._hands:
            await asyncio.wait(set(self._hands), timeout=_ATTEMPT)
        for hand in self._hands:
            hand.cancel()
        await asyncio.gather(*self._hands, return_exceptions=True)
        if self._held_until:
            await self._lease(0.0)

    def hurry(self) -> None:
        """Try at once what waits for Slack to come back."""
        self._backlog.hurry()

    @property
    def waiting(self) -> int:
        """How many approvals this process has to look at."""
        return len(self._backlog)

    def troubles(self) -> list[str]:
        """Return why cards wait, in words, each reason once."""
        stopped = self._task is not None and self._task.done()
        idle = "the courier has stopped" if stopped else self._rests
        return sorted({*self._troubles.values(), *([idle] if idle else [])})

    def _heard(self, recorded: Sequence[Recorded]) -> None:
        for one in recorded:
            subject = subject_of(one.event)
            if subject is not None:
                self._backlog.add(subject)
            if touches_cards(one.event):
                self._backlog.add(_EVERY)
            approval = getattr(one.event, "approval", None)
            if isinstance(approval, str):
                self._backlog.add(approval)
            elif isinstance(one.event, _ABOUT_TOOLS):
                self._backlog.add(f"{_TOOLS}{one.event.server}", _TOGETHER)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        renewed_at = looked_at = float("-inf")
        while True:
            if loop.time() - renewed_at >= _RENEW:
                renewed_at = loop.time()
                await self._renew()
            if loop.time() - looked_at >= LOOK and self._held_until:
                looked_at = loop.time()
                self._look_at_channels()
                await self._look_at_subjects()
            sure = loop.time() + _ATTEMPT < self._held_until
            if sure:
                self._hand_out()
            await self._backlog.wait(
                max(renewed_at + _RENEW - loop.time(), 0.0),
                for_due=sure and len(self._hands) < _HANDS,
            )

    async def _renew(self) -> None:
        """Take or keep the lease; whoever gets it looks at everything first."""
        asked_at = asyncio.get_running_loop().time()
        fresh = asked_at >= self._held_until
        if not await self._lease(LEASE):
            self._held_until = 0.0
            self._backlog.clear()
            return
        if fresh and not await self._look_at_everything(fresh=True):
            return
        self._rests = None
        self._held_until = asked_at + LEASE

    async def _lease(self, seconds: float) -> bool:
        try:
            taken = await self._ledger.lease("courier", seconds)
        except Refused as away:
            self._rest(away)
            return False
        if not taken:  # whoever has it looks after the cards
            self._rests = None
        return taken

    def _rest(self, away: Refused) -> None:
        _LOG.warning("the courier rests: %s", away)
        self._rests = str(away)

    async def _look_at_everything(self, *, fresh: bool = False) -> bool:
        """Make every open approval due, and the newest ended ones; False if they are not known.

        With `fresh` another process was the courier until now.
        """
        try:
            if fresh:
                self._delivery.take_over()
            found: dict[str, datetime] = {}
            async for page in self._live_and_recent():
                new = [approval for approval in page if approval.id not in found]
                if fresh:
                    self._delivery.took_over(new, await self._ledger.now())
                found |= {approval.id: approval.requested_at for approval in new}
            subjects = await self._notices.subjects()
        except Refused as away:
            self._rest(away)
            return False
        if fresh:
            self._look_at_channels()
        for name in sorted(found, key=found.__getitem__):
            self._backlog.add(name)
        for subject in subjects:
            self._backlog.add(subject)
        for server in self._reviews.servers:
            self._backlog.add(f"{_TOOLS}{server}")
        return True

    async def _live_and_recent(self) -> AsyncIterator[list[Approval]]:
        async for page in approval_pages(self._ledger, *_LIVE):
            yield page
        async for page in approval_pages(self._ledger, limit=_RECENT):
            yield page

    def _look_at_channels(self) -> None:
        """Make due the channels in which a card may stand that is not recorded."""
        for channel in self._copies.due():
            self._backlog.add(f"{_COPIES}{channel}")

    async def _look_at_subjects(self) -> None:
        """Make due what channels have to be told of by the clock, such as the end of a grant."""
        try:
            for subject in await self._notices.subjects():
                self._backlog.add(subject)
        except Refused as away:
            self._rest(away)

    def _hand_out(self) -> None:
        while len(self._hands) < _HANDS and (approval := self._backlog.take()):
            hand = asyncio.create_task(self._attend(approval))
            self._hands.add(hand)
            hand.add_done_callback(self._put_down)

    def _put_down(self, hand: asyncio.Task[None]) -> None:
        self._hands.discard(hand)
        self._backlog.wake()  # with all hands full, nobody waits for what is due

    async def _attend(self, approval: str) -> None:
        try:
            if self._notices.knows(approval):
                await self._notices.attend(approval)
            elif approval == _EVERY:
                await self._look_at_everything()
            elif approval.startswith(_COPIES):
                await self._copies.look(approval.removeprefix(_COPIES))
            elif approval.startswith(_TOOLS):
                await self._reviews.attend(approval.removeprefix(_TOOLS))
            else:
                await self._delivery.attend(approval)
        except NotTaken as refused:
            self._retried()
            if refused.wait is None:
                self._troubles[approval] = str(refused)
            self._backlog.failed(approval, refused.wait)
        except Refused as away:
            _LOG.warning("the cards of %s wait: %s", approval, away, extra={"approval": approval})
            self._backlog.failed(approval, None)
        except Exception:  # noqa: BLE001 (the courier's edge: logged, tried again, others go on)
            _LOG.exception(
                "the cards of %s could not be brought up to date",
                approval,
                extra={"approval": approval},
            )
            self._backlog.failed(approval, None)
        else:
            self._troubles.pop(approval, None)
            self._backlog.done(approval)
