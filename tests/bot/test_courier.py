"""Cards follow the ledger: over outages, wrong channels, restarts and lost answers."""

import asyncio
import json
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import acme
import pytest
from approvals_given import requested
from office import BOB, EVERYBODY, PLATFORM, SECURITY, open_office, shown, until, until_async

from bot.channels import delivery
from bot.channels.undelivered import Undelivered
from bot.workspace.faults import AnswerError, AnswerStatus, Delay, RateLimit
from bot.workspace.spec import WorkspaceChannel
from ledger.events.card_events import CardPosted, CardRepainted
from ledger.lives.approvals import ApprovalStatus
from ledger.lives.deadlines_due import ExpireApproval
from policies.people.people import Team
from policies.rules.decisions import Term


async def test_a_card_is_posted_once_and_recorded_as_it_was_sent(office) -> None:
    approval = await office.ask()

    card = await office.card(approval)

    await until_async(lambda: _recorded(office, approval, CardPosted))
    (posted,) = [e for e in await office.events(approval) if isinstance(e, CardPosted)]
    assert (posted.channel, posted.ts) == (PLATFORM, card["ts"])
    assert json.loads(posted.blocks) == card["blocks"]
    assert posted.whole is True
    assert len(await office.cards(approval)) == 1


async def test_the_posted_message_asks_slack_to_parse_nothing(office) -> None:
    approval = await office.ask(tool="write_file", arguments='{"a":"<!channel>"}')

    await office.card(approval)

    (request,) = await office.local.requests("chat.postMessage")
    assert request.arguments["parse"] == "none"
    assert request.arguments["mrkdwn"] is False
    assert request.arguments["link_names"] is False
    assert request.arguments["unfurl_links"] is False


async def test_with_all_hands_full_the_courier_waits_for_one_of_them(office) -> None:
    courier = office.bot._courier
    asked = [await office.ask(f"call_{number}") for number in range(6)]
    for approval in asked:
        await office.card(approval)
    await office.local.fail_next("chat.update", Delay(2), times=6)
    for approval in asked:
        await office.click(BOB, approval, "approve")
    await until(lambda: len(courier._hands) == 4 and courier.waiting)
    looks = []

    def clock() -> float:
        looks.append(None)
        return asyncio.get_running_loop().time()

    courier._backlog._clock = clock
    await asyncio.sleep(0.5)

    assert len(looks) < 50
    for approval in asked:
        await office.card(approval, "Approved: files")


async def test_why_the_courier_rests_is_told_until_it_goes_on(sqlite_url, tmp_path) -> None:
    async with open_office(sqlite_url) as office:
        await office.listening()
        with closing(sqlite3.connect(tmp_path / "placet.db")) as operator:
            operator.execute("ALTER TABLE ledger_lease RENAME TO taken_away")
            await until(lambda: "cards wait: the ledger cannot be read" in str(office.bot.ready()))
            operator.execute("ALTER TABLE taken_away RENAME TO ledger_lease")

        await until(lambda: office.bot.ready() == [])
        await office.card(await office.ask())


async def test_two_teams_that_share_a_channel_get_one_card(sqlite_url) -> None:
    shared = Team("security", PLATFORM, ("cat", "eve"))
    directory = replace(acme.DIRECTORY, teams={**acme.DIRECTORY.teams, "security": shared})
    async with open_office(sqlite_url, directory=directory) as office:
        await office.listening()

        approval = await office.ask(
            assessment=acme.assessed(terms=(Term("platform", 1), Term("security", 1)))
        )

        await office.card(approval)
        await until_async(lambda: _recorded(office, approval, CardPosted))
        assert len(await office.cards(approval)) == 1


async def test_expiry_paints_the_card_and_takes_its_buttons(office) -> None:
    approval = await office.ask(assessment=acme.assessed(expires_in=timedelta(seconds=40)))
    await office.card(approval)
    office.clock.ahead += timedelta(seconds=41)

    await office.ledger.execute(
        ExpireApproval(id=f"expire:{approval}", actor="placet:deadlines", approval=approval)
    )

    card = await office.card(approval, "Expired: files / write_file")
    assert "That is not a denial." in shown(card)
    assert not [block for block in card["blocks"] if block["type"] == "actions"]


async def test_the_outcome_is_on_the_card_and_in_its_thread(office) -> None:
    approval = await office.ask()
    card = await office.card(approval)
    await office.click(BOB, approval, "approve")
    await office.becomes(approval, ApprovalStatus.APPROVED)

    await office.run(approval)

    done = await office.card(approval, "Completed: files / write_file")
    assert "The call ran and the tool answered after 812 ms, 1,204 bytes" in shown(done)
    await office.local.wait_for_message(
        PLATFORM,
        lambda m: m.get("thread_ts") == card["ts"] and "after 812 ms" in shown(m),
    )
    thread = await office.local.messages(PLATFORM, card["ts"])
    told = "\n".join(shown(message) for message in thread[1:])
    assert told.count("bob approved") == 1
    assert told.count("Approved once by bob") == 1
    assert told.count("The call was let through.") == 1
    assert told.count("after 812 ms") == 1
    assert thread[1]["text"].startswith("files / write_file: bob approved")


async def test_what_was_painted_is_recorded_with_its_hash(office) -> None:
    approval = await office.ask()
    await office.click(BOB, approval, "approve")

    await until_async(lambda: _recorded(office, approval, CardRepainted))

    card = await office.card(approval, "Approved: files")
    painted = [e for e in await office.events(approval) if isinstance(e, CardRepainted)][-1]
    assert json.loads(painted.blocks) == card["blocks"]
    assert (await office.approval(approval)).cards[0].sha256 == painted.sha256


@pytest.mark.parametrize("refuse", [False, True])
async def test_slack_away_at_request_time_leaves_it_pending_and_posts_when_back(
    office, refuse
) -> None:
    await office.local.outage(refuse=refuse)

    approval = await office.ask()
    await until(lambda: any("cards wait" in problem for problem in office.bot.ready()))
    still = await office.approval(approval)
    await office.local.recover()

    await office.card(approval)
    assert still.status is ApprovalStatus.PENDING
    assert still.undeliverable == {}
    await until(lambda: office.bot.ready() == [])
    await office.click(BOB, approval, "approve")
    await office.becomes(approval, ApprovalStatus.APPROVED)


@pytest.mark.parametrize("refuse", [False, True])
async def test_callers_are_told_that_slack_is_away_and_it_is_forgotten_once_the_card_stands(
    office, refuse
) -> None:
    await office.local.outage(refuse=refuse)

    approval = await office.ask()
    await until_async(lambda: _undeliverable(office, approval))
    told = (await office.approval(approval)).undeliverable
    await office.local.recover()
    await office.told_card(approval)

    after = await office.approval(approval)
    assert told == {"platform": "Slack is away"}
    assert (after.status, after.undeliverable) == (ApprovalStatus.PENDING, {})
    assert (await office.topics(approval)).count("CardUndeliverable") == 1


async def test_a_card_that_waits_for_its_turn_is_not_called_undeliverable(
    office, monkeypatch
) -> None:
    monkeypatch.setattr("bot.channels.delivery.AWAY", 0.0)
    await office.local.fail_next("chat.postMessage", RateLimit(2), times=2)

    approval = await office.ask()
    await office.told_card(approval)

    assert "CardUndeliverable" not in await office.topics(approval)


async def test_questions_that_ended_before_they_had_a_card_keep_no_other_waiting(
    sqlite_url,
) -> None:
    async with open_office(sqlite_url) as office:
        office.hurry = 1.0
        await office.listening()
        brief = acme.assessed(expires_in=timedelta(seconds=40))
        asked = [await office.ask(f"call_{number}", brief) for number in range(30)]
        lines = office.bot._outbox._rates._windows
        await until(lambda: any(len(window.line) > 20 for window in lines.values()))

        office.clock.ahead += timedelta(seconds=41)
        for approval in asked:
            await office.ledger.execute(
                ExpireApproval(id=f"expire:{approval}", actor="placet:deadlines", approval=approval)
            )
        began = time.monotonic()
        await office.card(await office.ask("call_new"))

        assert time.monotonic() - began < 10


class Stuck:
    """A ledger in which a hundred approvals wait for Slack."""

    def observe(self, _heard, *, plain_calls):
        assert not plain_calls
        return lambda: None

    async def approvals(self, *_statuses, limit):
        assert limit > 100
        stuck = {"undeliverable": {"platform": "Slack is away"}}
        return [requested(approval=f"apr_{n:03}").model_copy(update=stuck) for n in range(100)]


async def test_of_very_many_cards_that_wait_readiness_names_a_few() -> None:
    undelivered = Undelivered(Stuck())

    await undelivered.start()

    told = undelivered.problems()
    assert told[0] == "approval apr_000 is undeliverable to team platform: Slack is away"
    assert told[-1] == "80 more approvals are undeliverable"
    assert len(told) == 21


async def test_a_bot_that_starts_while_slack_is_away_posts_when_it_is_back(closed_office) -> None:
    office = closed_office
    await office.local.outage(refuse=True)
    approval = await office.ask()
    bot = await office.start_bot()
    await until(lambda: any("auth.test failed" in problem for problem in bot.ready()))

    await office.local.recover()

    await office.card(approval)
    await until(lambda: bot.ready() == [])


async def test_a_channel_that_is_not_there_is_undeliverable_at_once_and_posted_once_it_is(
    office,
) -> None:
    await office.local.remove_channel(PLATFORM)

    approval = await office.ask()
    await until_async(lambda: _undeliverable(office, approval))
    marked = await office.approval(approval)
    problems = office.bot.ready()
    await office.local.add_channel(WorkspaceChannel(PLATFORM, "platform-again", EVERYBODY))

    await office.card(approval)
    assert marked.status is ApprovalStatus.PENDING
    assert marked.undeliverable == {"platform": "channel_not_found"}
    line = f"approval {approval} is undeliverable to team platform: channel_not_found"
    assert line in problems
    await until(lambda: office.bot.ready() == [])
    assert (await office.approval(approval)).undeliverable == {}


@pytest.mark.parametrize("error", ["not_in_channel", "is_archived", "invalid_blocks", "no_text"])
async def test_what_slack_refuses_for_good_is_undeliverable_until_it_does_not(
    office, error
) -> None:
    await office.local.fail_next("chat.postMessage", AnswerError(error), times=2)

    approval = await office.ask()

    await until_async(lambda: _undeliverable(office, approval))
    await office.card(approval)
    assert (await office.topics(approval)).count("CardUndeliverable") == 1


async def test_one_team_without_a_channel_does_not_keep_the_other_from_its_card(office) -> None:
    await office.local.remove_channel(PLATFORM)

    approval = await office.ask(
        assessment=acme.assessed(terms=(Term("platform", 1), Term("security", 1)))
    )

    card = await office.card(approval, "Not delivered  to team platform", channel=SECURITY)
    assert "channel_not_found" in shown(card)


@pytest.mark.parametrize("fault", [RateLimit(1), AnswerStatus(503), AnswerError("internal_error")])
async def test_what_passes_by_itself_is_tried_again_and_is_not_undeliverable(
    office, fault, monkeypatch
) -> None:
    monkeypatch.setattr(delivery, "AWAY", 60.0)  # however slowly it is tried here
    await office.local.fail_next("chat.postMessage", fault, times=2)

    approval = await office.ask()

    await office.card(approval)
    assert "CardUndeliverable" not in await office.topics(approval)
    assert len(await office.cards(approval)) == 1


async def test_a_card_that_was_deleted_is_posted_anew(office) -> None:
    approval = await office.ask(assessment=acme.assessed(terms=(Term("platform", 2),)))
    card = await office.card(approval)
    await office.local.fail_next("chat.update", AnswerError("message_not_found"))

    await office.click(BOB, approval, "approve")

    again = await office.local.wait_for_message(
        PLATFORM,
        lambda m: m["ts"] != card["ts"] and "thread_ts" not in m and "(1 of 2" in shown(m),
    )
    assert again["ts"] != card["ts"]


async def test_a_failed_repaint_is_tried_again(office) -> None:
    approval = await office.ask()
    await office.card(approval)
    await office.local.fail_next("chat.update", AnswerStatus(503), times=2)

    await office.click(BOB, approval, "approve")

    await office.card(approval, "Approved: files")


async def _recorded(office, approval, kind) -> bool:
    return any(isinstance(event, kind) for event in await office.events(approval))


async def _undeliverable(office, approval) -> bool:
    return bool((await office.approval(approval)).undeliverable)
