"""Freezing from Slack: the command, the channels that are told, the second person."""

from dataclasses import replace

import acme
import pytest
from office import ALICE, BOB, CAT, EVE, GUEST, OUT, PLATFORM, SECURITY, shown, until_async

from ledger.deciding.claims import FrozenNow
from ledger.events.events import CallDecided
from ledger.events.freeze_events import FreezeRefused
from ledger.lives.approvals import ApprovalStatus
from ledger.lives.freezes import BeginFreeze
from ledger.views.freeze_readings import freezes_in_force
from policies.deciding.freezes import Frozen
from policies.rules.decisions import Effect

DIGEST = f"k1:{'call_1':0>64}"


async def typed(office, user, text) -> str:
    answer = await office.local.command(user, PLATFORM, "/placet", text)
    assert answer.error is None
    return shown({"blocks": answer.blocks})


async def effect(office, call: str = "call_1") -> Effect:
    assessment = acme.assessed(Effect.ALLOW)
    command = acme.ask(call, assessment, instance=office.ledger.instance)
    recorded = await office.ledger.execute(command)
    return next(one.event.effect for one in recorded if isinstance(one.event, CallDecided))


async def told_in(office, channel, text):
    return await office.local.wait_for_message(channel, lambda message: text in shown(message))


async def refusals(office) -> list[str]:
    events = [one.event for one in await office.ledger.events()]
    return [event.because for event in events if isinstance(event, FreezeRefused)]


async def test_a_freeze_stops_the_next_call_and_the_owning_team_is_told(office) -> None:
    answer = await typed(office, CAT, "freeze agent ci-bot for 2h it deletes too much")

    assert "Agent ci-bot was frozen by" in answer
    assert await effect(office) is Effect.DENY
    message = await told_in(office, PLATFORM, "Frozen: agent ci-bot")
    assert "Reason: it deletes too much" in shown(message)


async def test_everything_is_told_to_every_team_once(office) -> None:
    await typed(office, EVE, "freeze everything")

    for channel in (PLATFORM, SECURITY):
        await told_in(office, channel, "Frozen: everything")
        messages = await office.local.messages(channel)
        assert sum("Frozen: everything" in shown(message) for message in messages) == 1


async def test_a_second_person_lifts_it_by_the_button_and_the_message_says_so(office) -> None:
    await typed(office, CAT, "freeze agent ci-bot")
    message = await told_in(office, PLATFORM, "Frozen: agent ci-bot")

    await office.local.click(CAT, PLATFORM, message["ts"], "freeze.lift")
    await office.told(CAT, "a second person has to lift it")
    await office.local.click(ALICE, PLATFORM, message["ts"], "freeze.lift")
    await office.told(ALICE, "someone else has to decide")
    await office.local.click(OUT, PLATFORM, message["ts"], "freeze.lift")
    await office.told(OUT, "you are not an approver of")
    assert await effect(office, "call_1") is Effect.DENY
    await office.local.click(BOB, PLATFORM, message["ts"], "freeze.lift")
    await office.told(BOB, "Lifted frz_")

    assert await effect(office, "call_2") is Effect.ALLOW
    after = await told_in(office, PLATFORM, "No longer frozen: agent ci-bot")
    assert "Lifted by" in shown(after)
    assert "'user_id': 'U0BOB'" in str(after["blocks"])
    assert after["ts"] == message["ts"]
    assert not [block for block in after["blocks"] if block["type"] == "actions"]
    thread = await office.local.wait_for_message(
        PLATFORM, lambda found: found.get("thread_ts") == message["ts"] and "Lifted" in shown(found)
    )
    assert "U0BOB" in str(thread["blocks"])
    assert await refusals(office) == ["own-freeze", "own-request", "not-an-approver"]


async def test_a_freeze_is_lifted_by_what_it_is_over(office) -> None:
    await typed(office, CAT, "freeze server files")

    assert "Server files was frozen by" in await typed(office, ALICE, "freezes")
    assert "is not frozen" in await typed(office, BOB, "unfreeze server vault")
    assert "Lifted frz_" in await typed(office, BOB, "unfreeze server files because mended")
    assert await typed(office, ALICE, "freezes") == "Nothing is frozen."
    assert "is not frozen" in await typed(office, BOB, "unfreeze server files")


async def test_who_lifts_one_freeze_of_several_is_told_that_others_hold(office) -> None:
    for what in ("server files", "agent ci-bot", "everything"):
        await typed(office, CAT, f"freeze {what}")

    assert "but 2 other freezes are in force still" in await typed(
        office, BOB, "unfreeze everything"
    )
    assert "but another freeze is in force" in await typed(office, BOB, "unfreeze server files")
    assert "Calls run again" in await typed(office, BOB, "unfreeze agent ci-bot")


async def test_whoever_may_not_freeze_is_told_why_and_it_is_recorded(office) -> None:
    assert "Refused: guests of the workspace" in await typed(office, GUEST, "freeze everything")
    assert "Refused: you are not an approver" in await typed(office, OUT, "freeze agent ci-bot")

    assert await freezes_in_force(office.ledger) == []
    assert await refusals(office) == ["guest", "not-an-approver"]


async def test_channels_are_told_after_a_restart_too(closed_office) -> None:
    await closed_office.listening()
    await closed_office.stop_bot()
    await closed_office.ledger.execute(
        BeginFreeze(
            id="freeze",
            actor="shell:ops",
            freeze="frz_1",
            over=Frozen.AGENT,
            name="ci-bot",
            reason="`*hostile* <!channel> \u202e",
        )
    )
    await closed_office.start_bot()

    message = await told_in(closed_office, PLATFORM, "Frozen: agent ci-bot")
    assert "shell:ops" in shown(message)
    assert "\\u{202E}" in shown(message)


async def test_the_card_of_what_waits_says_that_it_is_frozen_until_it_is_lifted(office) -> None:
    approval = await office.ask()
    await office.told_card(approval)

    await typed(office, CAT, "freeze agent ci-bot")
    frozen = await office.card(approval, "FROZEN: agent `ci-bot` was frozen by `cat`")
    await typed(office, BOB, "unfreeze agent ci-bot")

    async def lifted() -> bool:
        (card,) = await office.cards(approval)
        return "FROZEN" not in shown(card)

    await until_async(lifted, 60)
    (card,) = await office.cards(approval)
    assert card["ts"] == frozen["ts"]
    assert "Approve once" in str(card["blocks"])


async def test_a_yes_while_frozen_counts_and_the_call_runs_once_it_is_lifted(office) -> None:
    approval = await office.ask()
    await office.told_card(approval)
    await typed(office, CAT, "freeze server files")

    await office.click(BOB, approval, "approve")

    await office.told(BOB, "Approved. It runs once, but only when this is lifted: server `files`")
    await office.becomes(approval, ApprovalStatus.APPROVED)
    with pytest.raises(FrozenNow):
        await office.run(approval)
    await typed(office, BOB, "unfreeze server files")
    use = acme.use("call_1", approval, instance=office.ledger.instance, digests=(DIGEST,))
    await office.ledger.execute(replace(use, id="again"))
    await office.becomes(approval, ApprovalStatus.DISPATCHED)
