"""Puts together what writes to channels: cards, shared cards, reviews, notices, the courier."""

import time
from collections.abc import Callable

from bot.channels.copies import Copies
from bot.channels.courier import Courier
from bot.channels.delivery import Delivery
from bot.channels.notice_subjects import notice_delivery
from bot.channels.review_delivery import ReviewDelivery
from bot.channels.review_pace import ReviewPace
from bot.channels.summaries import Summaries
from bot.channels.thread_lines import ThreadLines
from bot.desk.desk import Desk
from bot.slack.channel_history import ChannelHistory
from bot.slack.outbox import Outbox
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
