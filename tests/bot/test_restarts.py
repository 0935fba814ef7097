"""Cards over restarts, lost answers and replicas: the ledger says what is still to do."""

from dataclasses import replace
from datetime import timedelta

import acme
import pytest
from office import BOB, CAT, PLATFORM, open_office, shown, until_async

from bot.workspace.faults import (
    AnswerError,
    AnswerStatus,
    CutConnection,
    Delay,
    LoseAnswer,
    RateLimit,
)
from bot.workspace.spec import EVERY_SCOPE
from ledger.ledger import Ledger
from ledger.lives.approvals import ApprovalStatus
from ledger.lives.deadlines_due import ExpireApproval
from ledger.lives.deliveries import RecordRepaint


async def test_a_restarted_bot_keeps_the_cards_working(office) -> None:
    approval = await office.ask()
    await office.card(approval)
    await office.stop_bot()

    await office.listening()
    await office.click(BOB, approval, "approve")

    await office.becomes(approval, ApprovalStatus.APPROVED)
    await office.card(approval, "Approved: files")
    assert len(await office.cards(approval)) == 1


async def test_what_happened_while_no_bot_ran_is_painted_and_told_at_the_next_start(office) -> None:
    approval = await office.ask(assessment=acme.assessed(expires_in=timedelta(seconds=40)))
    later = await office.ask("call_2", acme.assessed(expires_in=timedelta(seconds=40)))
    card = await office.card(approval)
    await office.card(later)
    await office.stop_bot()
    office.clock.ahead += timedelta(seconds=41)
    for name in (approval, later):
        await office.ledger.execute(
            ExpireApproval(id=f"expire:{name}", actor="placet:deadlines", approval=name)
        )

    await office.listening()

    await office.card(approval, "Expired: files")
    await office.card(later, "Expired: files")
    await office.local.wait_for_message(
        PLATFORM, lambda m: m.get("thread_ts") == card["ts"] and "nobody decided" in shown(m)
    )


async def test_a_card_whose_answer_was_lost_is_looked_for_and_not_posted_again(office) -> None:
    await office.local.fail_next("chat.postMessage", LoseAnswer())

    approval = await office.ask()
    await until_async(lambda: _topic(office, approval, "CardRepainted"))

    (card,) = await office.cards(approval)
    assert len(await office.local.requests("chat.postMessage")) == 1
    await office.local.click(BOB, PLATFORM, card["ts"], "approval.approve")
    await office.card(approval, "Approved: files")


@pytest.mark.parametrize(
    ("fault", "looks"), [(None, 1), (AnswerStatus(503), 2), (CutConnection(), 2)], ids=str
)
async def test_a_line_whose_answer_was_lost_is_looked_for_and_not_told_again(
    office, fault, looks
) -> None:
    approval = await office.ask()
    card = await office.card(approval)
    await office.told_card(approval)
    if fault is not None:
        await office.local.fail_next("conversations.replies", fault)
    await office.local.fail_next("chat.postMessage", LoseAnswer())

    await office.click(BOB, approval, "approve")
    await until_async(lambda: _topic(office, approval, "CardRepainted"), 40)

    lines = (await office.local.messages(PLATFORM, card["ts"]))[1:]
    assert [line["text"] for line in lines] == ["files / write_file: bob approved"]
    assert len(await office.local.requests("conversations.replies")) == looks
    assert len(await office.local.requests("chat.postMessage")) == 2


async def test_without_a_look_a_line_whose_answer_was_lost_is_told_again(sqlite_url) -> None:
    async with open_office(sqlite_url, scopes=EVERY_SCOPE - {"channels:history"}) as office:
        await office.listening()
        approval = await office.ask()
        card = await office.card(approval)
        await office.told_card(approval)
        await office.local.fail_next("chat.postMessage", LoseAnswer())

        await office.click(BOB, approval, "approve")
        await until_async(lambda: _topic(office, approval, "CardRepainted"), 40)

        lines = (await office.local.messages(PLATFORM, card["ts"]))[1:]
        assert [line["text"] for line in lines] == ["files / write_file: bob approved"] * 2


async def test_without_a_look_a_lost_answer_leaves_a_copy_whose_click_counts(sqlite_url) -> None:
    async with open_office(sqlite_url, scopes=EVERY_SCOPE - {"channels:history"}) as office:
        await office.listening()
        await office.local.fail_next("chat.postMessage", LoseAnswer())

        approval = await office.ask()
        await until_async(lambda: _copies(office, approval, 2))
        first, second = await office.cards(approval)
        await office.local.click(BOB, PLATFORM, first["ts"], "approval.approve")

        await office.becomes(approval, ApprovalStatus.APPROVED)
        for copy in (first, second):
            await office.local.wait_for_message(
                PLATFORM,
                lambda m, copy=copy: m["ts"] == copy["ts"] and "Approved: files" in shown(m),
            )


@pytest.mark.parametrize("fault", [AnswerStatus(503), CutConnection(), RateLimit(1)])
async def test_a_card_that_may_have_been_lost_waits_until_the_channel_can_be_read(
    office, fault
) -> None:
    await office.local.fail_next("conversations.history", fault)
    await office.local.fail_next("chat.postMessage", LoseAnswer())

    approval = await office.ask()
    await until_async(lambda: _topic(office, approval, "CardRepainted"))

    assert len(await office.cards(approval)) == 1
    assert len(await office.local.requests("conversations.history")) == 2


async def test_a_copy_that_comes_late_is_found_and_painted_though_nobody_clicks(
    office, monkeypatch
) -> None:
    monkeypatch.setattr("bot.channels.courier.LOOK", 1.0)
    await office.local.fail_next("chat.postMessage", Delay(6))

    approval = await office.ask()
    await until_async(lambda: _copies(office, approval, 2), 40)
    await until_async(lambda: _topic(office, approval, "CardFound"), 40)
    late, posted = sorted(await office.cards(approval), key=lambda card: card["ts"])[::-1]
    await office.local.click(BOB, PLATFORM, posted["ts"], "approval.approve")

    await office.becomes(approval, ApprovalStatus.APPROVED)
    for copy in (late, posted):
        await office.local.wait_for_message(
            PLATFORM,
            lambda m, copy=copy: m["ts"] == copy["ts"] and "Approved: files" in shown(m),
        )


@pytest.mark.parametrize("fault", [AnswerStatus(503), CutConnection(), AnswerError("no_text")])
async def test_what_slack_did_not_take_is_posted_once_in_the_end(office, fault) -> None:
    await office.local.fail_next("chat.postMessage", fault)

    approval = await office.ask()
    await office.told_card(approval)

    assert len(await office.cards(approval)) == 1


async def test_while_all_goes_well_no_channel_is_read(office) -> None:
    approval = await office.ask()
    await office.click(BOB, approval, "approve")
    await office.card(approval, "Approved: files")
    await office.stop_bot()

    await office.listening()
    later = await office.ask("call_2")
    await office.card(later)

    assert await office.local.requests("conversations.history") == []


async def _topic(office, approval, topic) -> bool:
    return topic in await office.topics(approval)


async def test_only_one_of_two_replicas_posts_and_the_other_takes_over(office, sqlite_url) -> None:
    beside = Ledger.open(
        sqlite_url,
        now=office.clock.now,
        monotonic=office.clock.seconds,
        directory=acme.DIRECTORY,
        serving=False,
    )
    replica = replace(office, ledger=beside, bot=None)
    await replica.start_bot()
    try:
        approvals = [await office.ask(f"call_{n}") for n in range(5)]
        for approval in approvals:
            await office.card(approval)
        await office.stop_bot()
        more = await office.ask("call_9")
        await office.card(more)

        for approval in (*approvals, more):
            assert len(await office.cards(approval)) == 1
    finally:
        await replica.stop_bot()
        beside.close()


async def test_a_card_of_what_has_ended_is_not_painted_again_for_its_looks(office) -> None:
    approval = await office.ask()
    await office.click(BOB, approval, "approve")
    await office.becomes(approval, ApprovalStatus.APPROVED)
    await office.run(approval)
    await office.card(approval, "Completed: files")
    await until_async(lambda: _told_last(office, approval))
    await office.stop_bot()
    known = await office.approval(approval)
    (card,) = known.cards
    other_looks = RecordRepaint(
        id="other-looks",
        actor="placet:courier",
        approval=approval,
        channel=card.channel,
        ts=card.ts,
        revision=known.position,
        blocks="[]",
        sha256="0" * 64,
    )
    await office.ledger.execute(other_looks)
    before = len(await office.local.requests("chat.update"))

    await office.listening()
    later = await office.ask("call_2")
    await office.card(later)

    assert len(await office.local.requests("chat.update")) == before


async def test_nothing_is_posted_for_what_ended_before_it_could_be(closed_office) -> None:
    office = closed_office
    approval = await office.ask(assessment=acme.assessed(expires_in=timedelta(seconds=40)))
    office.clock.ahead += timedelta(seconds=41)
    await office.ledger.execute(
        ExpireApproval(id=f"expire:{approval}", actor="placet:deadlines", approval=approval)
    )

    await office.listening()
    shown_one = await office.ask("call_2")

    await office.card(shown_one)
    assert await office.cards(approval) == []


async def test_a_click_on_a_decided_card_is_answered_with_what_was_decided(office) -> None:
    approval = await office.ask()
    card = await office.card(approval)
    stale = card["blocks"]
    await office.click(BOB, approval, "approve")
    decided = await office.card(approval, "Approved: files")
    copy = await _copy_of(office, stale)

    await office.local.click(CAT, PLATFORM, copy, "approval.approve")

    await office.told(CAT, "Not counted. Already approved by `bob`.")
    assert decided["ts"] != copy


async def test_a_second_copy_of_a_card_decides_and_is_painted_from_then_on(office) -> None:
    approval = await office.ask()
    card = await office.card(approval)
    copy = await _copy_of(office, card["blocks"])

    await office.local.click(BOB, PLATFORM, copy, "approval.approve")

    await office.becomes(approval, ApprovalStatus.APPROVED)
    await office.local.wait_for_message(
        PLATFORM, lambda message: message["ts"] == copy and "Approved: files" in shown(message)
    )
    assert "CardFound" in await office.topics(approval)


async def _told_last(office, approval) -> bool:
    known = await office.approval(approval)
    return known.status is ApprovalStatus.COMPLETED and known.cards[0].revision >= (
        known.position - 1
    )


async def _copies(office, approval, count) -> bool:
    return len(await office.cards(approval)) == count


async def _copy_of(office, blocks) -> str:
    """Post a second copy of a card, as a crash between Slack's answer and our record leaves it."""
    answer = await office.bot._desk.slack.chat_postMessage(
        channel=PLATFORM, text="copy", blocks=blocks
    )
    return answer["ts"]
