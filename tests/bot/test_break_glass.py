"""Break-glass from Slack: the dialog, the people who are told, the second look."""

from dataclasses import replace

import acme
import pytest
from office import ALICE, BOB, CAT, EVE, GUEST, OUT, PLATFORM, open_office, shown

from ledger.events.glass_events import BreakGlassRefused
from ledger.events.refusals import CommandRefused
from ledger.lives.approvals import ApprovalStatus
from ledger.views.glass_readings import open_glasses
from policies.rules.decisions import Term

TEAMS = acme.DIRECTORY.teams
GLASS = replace(
    acme.DIRECTORY,
    teams={**TEAMS, "platform": replace(TEAMS["platform"], break_glass=("eve", "alice"))},
)
TWO = acme.assessed(terms=(Term("platform", 2),))


@pytest.fixture
async def office(sqlite_url):
    async with open_office(sqlite_url, directory=GLASS) as opened:
        await opened.listening()
        yield opened


async def typed(office, user, text) -> str:
    answer = await office.local.command(user, PLATFORM, "/placet", text)
    assert answer.error is None
    return shown({"blocks": answer.blocks})


async def breaks(office, user, approval, reason="the shop is down"):
    """Type the command and submit the dialog that it opens."""
    answer = await typed(office, user, f"break-glass {approval} {reason}")
    assert answer == "Nothing is approved yet: confirm it in the dialog."
    (view,) = await office.local.views(user)
    return await office.local.submit_view(user, view["id"], {"reason": reason})


async def told_in(office, text):
    return await office.local.wait_for_message(PLATFORM, lambda message: text in shown(message))


async def test_one_person_approves_alone_and_everybody_skipped_is_told(office) -> None:
    approval = await office.ask(assessment=TWO)
    await office.told_card(approval)

    submitted = await breaks(office, EVE, approval)

    assert (submitted.error, dict(submitted.errors)) == (None, {})
    assert (await office.approval(approval)).status is ApprovalStatus.APPROVED
    message = await told_in(office, "Break-glass: files / write_file")
    assert "Reason: the shop is down" in shown(message)
    for user in (BOB, CAT):
        assert user in str(message["blocks"])
    assert "{'type': 'usergroup', 'usergroup_id': 'S0PLATFORM'}" in str(message["blocks"])
    card = await office.card(approval, "Break-glass: approved alone by")
    thread = await office.local.wait_for_message(
        PLATFORM, lambda found: found.get("thread_ts") == card["ts"]
    )
    assert "Break-glass: approved alone by" in shown(thread)


async def test_the_dialog_shows_the_call_and_nothing_happens_before_it_is_confirmed(office) -> None:
    approval = await office.ask(assessment=TWO)

    await typed(office, EVE, f"break-glass {approval} because it burns")

    (view,) = await office.local.views(EVE)
    assert "2 of team platform" in shown(view)
    assert '"path": "/etc/motd"' in shown(view)
    assert "it burns" in str(view)
    assert (await office.approval(approval)).status is ApprovalStatus.PENDING


@pytest.mark.parametrize(
    ("user", "because"),
    [
        (BOB, "you have no right to break the glass of `platform`"),
        (ALICE, "you own this agent"),
        (GUEST, "guests of the workspace cannot decide"),
        (OUT, "you have no right to break the glass of `platform`"),
    ],
)
async def test_whoever_may_not_gets_no_dialog_and_it_is_recorded(office, user, because) -> None:
    approval = await office.ask(assessment=TWO)

    answer = await typed(office, user, f"break-glass {approval} the shop is down")

    assert answer.startswith(f"Refused: {because}")
    assert await office.local.views(user) == []
    events = [one.event for one in await office.ledger.events()]
    (refused,) = [event for event in events if isinstance(event, CommandRefused)]
    assert refused.asked == "/placet break-glass"


async def test_what_was_decided_while_the_dialog_stood_open_is_said_in_it(office) -> None:
    approval = await office.ask()
    await office.told_card(approval)
    await typed(office, EVE, f"break-glass {approval} it burns")
    (view,) = await office.local.views(EVE)
    await office.ledger.execute(acme.click("cat", office.clock.now(), approval=approval))

    submitted = await office.local.submit_view(EVE, view["id"], {"reason": "it burns"})
    again = await typed(office, EVE, f"break-glass {approval} it burns")

    assert "there is no glass to break" in submitted.errors["reason"]
    assert "this approval is approved: there is no glass to break" in again
    events = [one.event for one in await office.ledger.events()]
    assert len([event for event in events if isinstance(event, BreakGlassRefused)]) == 1


async def test_it_waits_until_somebody_else_signs_it_off(office) -> None:
    approval = await office.ask(assessment=TWO)
    await office.told_card(approval)
    await breaks(office, EVE, approval)
    message = await told_in(office, "Break-glass: files / write_file")

    assert approval in await typed(office, BOB, "after-reviews")
    assert "you broke the glass yourself" in await typed(office, EVE, f"sign-off {approval} fine")
    assert "not an approver" in await typed(office, OUT, f"sign-off {approval} fine")
    assert len(await open_glasses(office.ledger)) == 1
    await office.local.click(BOB, PLATFORM, message["ts"], "glass.sign_off")
    (view,) = await office.local.views(BOB)
    signed = await office.local.submit_view(BOB, view["id"], {"reason": "it was right"})

    assert dict(signed.errors) == {}
    assert await open_glasses(office.ledger) == []
    after = await told_in(office, "Signed off by")
    assert "it was right" in shown(after)
    assert "No broken glass waits" in await typed(office, BOB, "after-reviews")
    assert "was signed off already by `bob`" in await typed(office, CAT, f"sign-off {approval} x")


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("break-glass", "Say which approval"),
        ("break-glass apr_1", "Breaking the glass takes a reason"),
        ("break-glass apr_none it burns", "there is no approval `apr_none`"),
        ("sign-off", "Say which approval"),
        ("sign-off apr_1", "Say what you found when you looked at it"),
    ],
)
async def test_what_is_missing_is_said(office, text, because) -> None:
    assert because in await typed(office, EVE, text)
