"""Puts together what writes to channels: cards, shared cards, reviews, notices, the courier."""

import time
from collections.abc import Callable

from bot.channel_history import ChannelHistory
from bot.copies import Copies
from bot.courier import Courier
from bot.delivery import Delivery
from bot.desk import Desk
from bot.notice_subjects import notice_delivery
from bot.outbox import Outbox
from bot.review_delivery import ReviewDelivery
from bot.review_pace import ReviewPace
from bot.summaries import Summaries
from bot.thread_lines import ThreadLines
from ledger.views.barring import Weigh


def courier_of(
    outbox: Outbox,
    history: ChannelHistory,
    desk: Desk,
    reach: Callable[[str], None],
    group_after: int,
    weigh: Weigh,
    retried: Callable[[], None],
) -> Courier:
    """Return the courier; `reach` and `group_after` as the bot has them."""
    ledger, directory = desk.ledger, desk.directory
    copies = Copies(history, ledger, directory)
    summaries = Summaries(outbox, ledger, copies, reach, time.monotonic, group_after)
    thread = ThreadLines(outbox, history)
    delivery = Delivery(outbox, ledger, directory, summaries, copies, thread, reach)
    reviews = ReviewDelivery(outbox, ledger, directory, weigh, ReviewPace(time.monotonic))
    notices = notice_delivery(outbox, ledger, directory)
    return Courier(ledger, delivery, reviews, notices, copies, retried)
