"""Cards that Slack has and the ledger does not: which are ours, and how long one waits to know."""

from dataclasses import dataclass, field
from datetime import timedelta

import acme
import pytest
from hypothesis import given
from hypothesis import strategies as st
from office import BOT, BOT_TOKEN, PLATFORM, open_office, until_async

from bot.channels.copies import PATIENCE, Copies
from bot.slack.channel_history import ChannelHistory, sightings
from bot.slack.client import SlackClient
from bot.slack.home import Home, HomeFinder
from bot.slack.marks import Mark, mark_of
from bot.slack.outbox import NotTaken, Place
from bot.slack.rates import Rates
from bot.workspace.faults import LoseAnswer

HOME = Home("T0ACME", None, BOT, "A0PLACET", None)
TEAM = acme.DIRECTORY.teams["platform"]
OURS = {
    "ts": "1.000001",
    "user": BOT,
    "app_id": "A0PLACET",
    "metadata": Mark("apr_1", 7, ("apr_1", "apr_2")).metadata,
}

scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just("apr_1")
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["approval", "revision", "members", "event_type", "event_payload"])
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
)


def test_our_own_card_is_known_again_with_all_its_questions() -> None:
    (seen,) = sightings([OURS], PLATFORM, HOME)

    assert seen.place == Place(PLATFORM, "1.000001")
    assert seen.mark == Mark("apr_1", 7, ("apr_1", "apr_2"))


@pytest.mark.parametrize(
    "changed",
    [
        {"user": "U0EVE"},
        {"app_id": "A0OTHER"},
        {"app_id": None},
        {"metadata": None},
        {"metadata": {"event_type": "another", "event_payload": {"approval": "apr_1"}}},
        {"metadata": {"event_type": "placet_approval", "event_payload": {}}},
        {"metadata": {"event_type": "placet_approval", "event_payload": {"approval": 7}}},
        {"ts": 1.0},
        {"thread_ts": "0.000009"},
    ],
    ids=str,
)
def test_what_is_not_a_card_of_ours_is_passed_over(changed) -> None:
    assert list(sightings([OURS | changed], PLATFORM, HOME)) == []


@given(anything)
def test_no_metadata_breaks_the_reading(told) -> None:
    messages = [OURS | {"metadata": told}, OURS | {"metadata": {**OURS["metadata"]} | {"x": told}}]
    payload = {"event_type": "placet_approval", "event_payload": told}

    found = list(sightings([*messages, told], PLATFORM, HOME))

    assert found[-1].mark.approval == "apr_1"
    mark = mark_of({"metadata": payload})
    assert mark is None or (mark.approval and mark.revision >= 0)


def test_a_mark_without_a_revision_is_one_of_an_older_version() -> None:
    told = {"event_type": "placet_approval", "event_payload": {"approval": "apr_1"}}

    assert mark_of({"metadata": told}) == Mark("apr_1", 0)


@dataclass
class SilentHistory:
    """Answers as Slack does while it is away."""

    asked: list[float] = field(default_factory=list)
    now: float = 1_000.0

    async def cards(self, _channel, _since):
        self.asked.append(self.now)
        raise NotTaken("Slack could not be reached", None, None, unsure=True)


async def test_a_card_waits_for_an_unreadable_channel_for_some_seconds_alone(closed_office) -> None:
    approval = await closed_office.approval(await closed_office.ask())
    history = SilentHistory()
    copies = Copies(history, closed_office.ledger, acme.DIRECTORY, lambda: history.now)
    copies.took_over([approval], approval.requested_at)

    waited = 0
    while True:
        try:
            there = await copies.turned_up(approval, TEAM)
        except NotTaken as refused:
            waited += 1
            history.now += refused.wait or 0.0
        else:
            break

    assert there is False
    assert waited > 1
    assert PATIENCE <= history.asked[-1] - history.asked[0] < PATIENCE + 6
    assert await copies.turned_up(approval, TEAM) is False


async def test_only_what_may_stand_there_unrecorded_makes_a_channel_be_read(closed_office) -> None:
    office = closed_office
    waiting = await office.approval(await office.ask())
    at = waiting.requested_at
    copies = Copies(SilentHistory(), office.ledger, acme.DIRECTORY)
    decided = waiting.model_copy(update={"status": "denied"})

    copies.took_over([decided], at + timedelta(days=2))
    nothing = copies.due()
    copies.took_over([decided], at + timedelta(hours=1))
    lately = copies.due()

    assert nothing == []
    assert lately == [PLATFORM]


async def test_a_long_channel_is_read_page_by_page_within_slacks_rate(sqlite_url) -> None:
    async with open_office(sqlite_url, rate_limits=True) as office:
        approval = await office.ask()
        channel = office.local.workspace.channels.at(PLATFORM)
        for number in range(450):
            message = {"type": "message", "user": BOT, "text": f"line {number}"}
            office.local.workspace.put(
                channel, message | {"ts": office.local.workspace.stamps.next()}
            )
        slack = SlackClient(BOT_TOKEN, office.local.api_url, patient=False)
        finder = HomeFinder(slack)
        await finder.ask()
        mark = Mark(approval, 3)
        first = office.local.workspace.stamps
        await slack.api_call(
            "chat.postMessage",
            json={"channel": PLATFORM, "text": "a card", "metadata": mark.metadata},
        )
        history = ChannelHistory(slack, Rates(first.now), finder)

        found = await history.cards(PLATFORM, (await office.approval(approval)).requested_at)

        assert [seen.mark for seen in found] == [mark]
        pages = await office.local.requests("conversations.history")
        assert [page.outcome for page in pages] == ["ok"] * 3


async def test_two_lost_answers_in_a_row_still_leave_one_card_for_each_question(office) -> None:
    await office.local.fail_next("chat.postMessage", LoseAnswer(), times=2)

    approvals = [await office.ask("call_1"), await office.ask("call_2")]
    for approval in approvals:
        await office.told_card(approval)

    for approval in approvals:
        assert len(await office.cards(approval)) == 1


async def test_a_lost_card_of_several_questions_is_not_posted_again(closed_office) -> None:
    office = closed_office
    office.group_after = 1
    await office.listening()
    await office.told_card(await office.ask())
    await office.local.fail_next("chat.postMessage", LoseAnswer())

    approvals = [await office.ask(f"call_{n}") for n in range(2, 5)]
    for approval in approvals:
        await until_async(lambda approval=approval: _stands(office, approval))

    assert len(await office.local.messages(PLATFORM)) == 2


async def _stands(office, approval) -> bool:
    return "CardRepainted" in await office.topics(approval)
