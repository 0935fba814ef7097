"""Many cards at once while Slack asks to wait, loses answers and goes away: each ends once."""

import asyncio
import itertools
from collections import Counter, defaultdict

import acme
import pytest
from office import PLATFORM, open_office, shown, until_async
from soak.conftest import LONG

from bot.slack.published_rates import PER_MINUTE
from bot.workspace.faults import LoseAnswer, RateLimit
from ledger.events.card_events import CardFound, CardPosted
from ledger.lives.deadlines_due import ExpireApproval

pytestmark = pytest.mark.timeout(1_800)

CARDS = 200 if LONG else 60
HURRY = 1.0 if LONG else 20.0
"""How many times faster all goes than in life; an answer of 429 asks for a second at least."""

MINUTE = 60.0 / HURRY
PATIENCE = 1_500 if LONG else 120
WITHIN = {"approve": "Completed: files", "deny": "Denied: files", "leave": "Expired: files"}
STORY = ("bob approved", "Approved once by bob", "The call was let through.", "after 812 ms")


async def test_no_card_is_posted_twice_and_each_ends_as_the_ledger_says(sqlite_url) -> None:
    async with open_office(sqlite_url) as office:
        office.hurry = HURRY
        await office.listening()
        await office.local.fail_next("chat.postMessage", LoseAnswer(), times=2)
        troubled = asyncio.create_task(trouble(office))

        posted = defaultdict(asyncio.Event)
        office.ledger.observe(lambda recorded: note(posted, recorded))

        ends = await asyncio.gather(*(life(office, number, posted) for number in range(CARDS)))
        await expire(office, [name for name, end in ends if end == "leave"])
        await troubled

        await until_async(lambda: settled(office, ends), PATIENCE)
        within_the_rates(await office.local.requests())


def note(posted: dict[str, asyncio.Event], recorded) -> None:
    """Wake those who wait for a card."""
    for one in recorded:
        if isinstance(one.event, CardPosted | CardFound):
            posted[one.event.approval].set()


async def life(office, number: int, posted: dict[str, asyncio.Event]) -> tuple[str, str]:
    """Let an agent ask within the minute, and a person who has the card answer it or not."""
    end = ("approve", "deny", "leave")[number % 3]
    await asyncio.sleep(MINUTE * number / CARDS)
    approval = await office.ask(f"call_{number:03}")
    await posted[approval].wait()
    at = await office.ledger.now()
    if end != "leave":
        click = acme.click("bob", at, approval=approval, approves=end == "approve", ts="")
        await office.ledger.execute(click)
    if end == "approve":
        await office.run(approval, f"call_{number:03}")
    return approval, end


async def trouble(office) -> None:
    """Have Slack ask to wait now and then, and be away for a minute."""
    for _ in range(4):
        for method in ("chat.postMessage", "chat.update"):
            await office.local.fail_next(method, RateLimit(1))
        await asyncio.sleep(MINUTE / 8)
    await office.local.outage()
    await asyncio.sleep(MINUTE)
    await office.local.recover()


async def expire(office, approvals: list[str]) -> None:
    """Put the clock forward to where nobody has decided in time."""
    office.clock.ahead += acme.assessed().expires_in
    for approval in approvals:
        await office.ledger.execute(
            ExpireApproval(id=f"end:{approval}", actor="placet:deadlines", approval=approval)
        )


async def settled(office, ends: list[tuple[str, str]]) -> bool:
    """Tell whether each card shows how its approval ended, and the threads tell all of it."""
    await asyncio.sleep(MINUTE / 4)
    messages = await office.local.messages(PLATFORM)
    cards = {approval: [m for m in messages if is_card(m, approval)] for approval, _ in ends}
    assert {len(copies) for copies in cards.values()} == {1}
    threads = defaultdict(list)
    for message in messages:
        if message["ts"] != message.get("thread_ts", message["ts"]):
            threads[message["thread_ts"]].append(shown(message))
    for lines in threads.values():
        assert max(Counter(lines).values()) == 1
    return all(
        WITHIN[end] in shown(cards[approval][0])
        and tells(end, "\n".join(threads[cards[approval][0]["ts"]]))
        for approval, end in ends
    )


def is_card(message, approval: str) -> bool:
    """Tell whether a message is the card of an approval."""
    return "thread_ts" not in message and approval in str(message.get("blocks"))


def tells(end: str, thread: str) -> bool:
    """Tell whether the thread of an approved call tells all of it; check that it is in order."""
    places = [thread.find(line) for line in STORY] if end == "approve" else []
    told = [place for place in places if place >= 0]
    assert told == sorted(told)
    return told == places


def within_the_rates(requests) -> None:
    """Check the times at which requests came against the rates that Slack publishes."""
    times: dict[tuple[str, str], list[float]] = {}
    for request in requests:
        channel = str(request.arguments.get("channel")) if "post" in request.method else ""
        times.setdefault((request.method, channel), []).append(request.at)
    posts = times["chat.postMessage", PLATFORM]
    apart = [after - before for before, after in itertools.pairwise(posts)]
    assert min(apart) >= 0.99 / HURRY
    for (method, _), at in times.items():
        most = PER_MINUTE.get(method)
        for first, last in zip(at, at[most or len(at) :], strict=False):
            assert last - first >= 0.99 * MINUTE, method
