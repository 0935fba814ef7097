"""What people type after /placet, through Slack's own protocol and the real ledger."""

from datetime import timedelta

import acme
import pytest
from office import ALICE, BOB, EVE, GUEST, MEMBER, OUT, PLATFORM, shown

from bot.workspace.faults import AnswerStatus
from ledger.events.events import CallDecided
from ledger.events.refusals import CommandRefused
from ledger.events.standing_events import GrantRefused
from ledger.lives.grants import GrantStatus
from policies.rules.decisions import Effect, Term
from policies.values.calls import Risk

GRANT = "grant ci-bot files/write_file for 1h because migration"


async def typed(office, user, text) -> str:
    answer = await office.local.command(user, PLATFORM, "/placet", text)
    assert answer.error is None
    return shown({"blocks": answer.blocks})


async def granted(office, text=GRANT, user=BOB) -> str:
    assert "Granted grt_" in await typed(office, user, text)
    (grant,) = await office.ledger.grants(live=True)
    return grant.id


async def test_an_approvers_grant_takes_effect_with_the_next_call(office) -> None:
    answer = await typed(office, BOB, GRANT)

    (grant,) = await office.ledger.grants(live=True)
    assert f"Granted {grant.id}" in answer
    assert "Agent ci-bot may call files/write_file" in answer
    assert "from its next call on, until" in answer
    assert (grant.by, grant.reason) == ("bob", "migration")
    assert grant.until - grant.issued_at == timedelta(hours=1)
    recorded = await office.ledger.execute(acme.ask(instance=office.ledger.instance))
    (decided,) = [one.event for one in recorded if isinstance(one.event, CallDecided)]
    assert decided.effect is Effect.ALLOW
    assert decided.grant == grant.id


@pytest.mark.parametrize(
    ("user", "because"),
    [
        (OUT, "you are not an approver of `platform`; ask someone who is"),
        (EVE, "you are not an approver of `platform`; ask someone who is"),
        (ALICE, "you own this agent, or it acts for you: someone else has to decide"),
        (GUEST, "guests of the workspace cannot decide"),
    ],
)
async def test_whoever_may_not_grant_is_told_why_and_it_is_recorded(office, user, because) -> None:
    answer = await typed(office, user, GRANT)

    assert answer == f"Refused: {because}."
    assert await office.ledger.grants(live=True) == []
    refused = [one.event for one in await office.ledger.events()]
    assert [e.message for e in refused if isinstance(e, GrantRefused)] == [because]


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("grant ci-bot files/x for 9h", "the policy allows grants of at most"),
        ("grant nobody files/x for 1h", "there is no agent `nobody`"),
        ("grant ci-bot moon/x for 1h", "there is no server `moon`"),
        ("grant ci-bot */x for 1h", "you are not an approver of `security`"),
        ("revoke grt_none", "there is no grant `grt_none`"),
        ("show apr_none", "there is no approval `apr_none`"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_the_reason(office, text, because) -> None:
    answer = await typed(office, BOB, text)

    assert answer.startswith("Refused: ")
    assert because in answer


async def test_a_mistyped_command_is_answered_with_what_to_type(office) -> None:
    assert "`aprove` is no command; `/placet help` names them all" in await typed(
        office, BOB, "aprove x"
    )
    assert "/placet grant AGENT SERVER/TOOL for 1h" in await typed(office, BOB, "help")


async def test_a_member_of_the_teams_group_may_grant(office) -> None:
    assert "Granted grt_" in await typed(office, MEMBER, GRANT)


async def test_revoking_ends_a_grant_for_every_call_decided_after_it(office) -> None:
    grant = await granted(office)

    answer = await typed(office, BOB, f"revoke {grant} because done")

    assert f"Revoked {grant}" in answer
    ended = await office.ledger.grant(grant)
    assert ended is not None
    assert ended.status is GrantStatus.REVOKED
    recorded = await office.ledger.execute(acme.ask(instance=office.ledger.instance))
    decided = next(one.event for one in recorded if isinstance(one.event, CallDecided))
    assert decided.effect is Effect.REQUIRE_APPROVAL
    assert "is already revoked" in await typed(office, BOB, f"revoke {grant}")


async def test_an_outsider_cannot_revoke(office) -> None:
    grant = await granted(office)

    answer = await typed(office, OUT, f"revoke {grant}")

    assert answer == "Refused: you are not an approver of `platform`; ask someone who is."
    assert len(await office.ledger.grants(live=True)) == 1


async def test_the_list_names_what_is_granted_to_whom_by_whom_until_when(office) -> None:
    assert await typed(office, BOB, "list") == "No grant is in force."
    grant = await granted(office, f"{GRANT.replace(' because', ' uses 3 because')}")

    answer = await typed(office, ALICE, "list")

    assert f"{grant}  ci-bot may call files/write_file until " in answer
    assert "3 of 3 uses left" in answer
    assert "given by bob, because migration" in answer


async def test_the_list_says_nothing_of_uses_where_a_grant_has_no_number_of_them(office) -> None:
    await granted(office, GRANT)

    answer = await typed(office, ALICE, "list")

    assert "uses left" not in answer
    assert "(empty)" not in answer


async def test_pending_names_what_the_person_may_decide(office) -> None:
    mine = await office.ask("call_1")
    theirs = await office.ask("call_2", acme.assessed(terms=(Term("security", 1),)))
    await office.card(mine)

    assert mine in await typed(office, BOB, "pending")
    assert theirs not in await typed(office, BOB, "pending")
    assert theirs in await typed(office, EVE, "pending")
    assert await typed(office, ALICE, "pending") == "Nothing waits for you."
    assert await typed(office, OUT, "pending") == "Nothing waits for you."


async def test_what_is_listed_is_counted_in_words_that_read(office) -> None:
    await office.card(await office.ask("call_1"))

    one = await office.local.command(BOB, PLATFORM, "/placet", "pending")
    await office.card(await office.ask("call_2", acme.assessed(tool="move_file")))
    two = await office.local.command(BOB, PLATFORM, "/placet", "pending")

    assert (one.text, two.text) == ("One approval waits for you", "2 approvals wait for you")


async def test_pending_links_to_the_card(office) -> None:
    approval = await office.ask()
    card = await office.card(approval)
    await office.told_card(approval)

    answer = await office.local.command(BOB, PLATFORM, "/placet", "pending")

    links = [e["url"] for e in _elements(answer.blocks) if e["type"] == "link"]
    assert links == [f"https://local.slack.com/archives/{PLATFORM}/p{card['ts'].replace('.', '')}"]


async def test_show_tells_an_approval_without_buttons(office) -> None:
    approval = await office.ask(assessment=acme.assessed(risk=Risk.DESTRUCTIVE))

    answer = await office.local.command(BOB, PLATFORM, "/placet", f"show {approval}")

    assert '"path": "/etc/motd"' in shown({"blocks": answer.blocks})
    assert "actions" not in {block["type"] for block in answer.blocks}


@pytest.mark.parametrize("text", ["list", "show apr_1"])
async def test_people_unknown_to_placet_may_not_look(office, text) -> None:
    answer = await typed(office, OUT, text)

    assert answer.startswith(
        "Refused: only people of Placet's configuration and approvers may look"
    )


async def test_a_person_slack_cannot_confirm_grants_nothing(office) -> None:
    await office.local.fail_next("users.info", AnswerStatus(503), times=2)

    answer = await typed(office, BOB, GRANT)

    assert "Slack could not confirm that you may decide" in answer
    assert await office.ledger.grants(live=True) == []


async def test_a_command_delivered_twice_is_one_grant(office) -> None:
    await office.local.duplicate_next(copies=2)

    await typed(office, BOB, GRANT)

    assert len(await office.ledger.grants(live=True)) == 1


async def test_what_is_typed_comes_back_inert(office) -> None:
    answer = await office.local.command(BOB, PLATFORM, "/placet", "<!channel>\u202e`x`")

    assert "mrkdwn" not in str(answer.blocks)
    assert "\u202e" not in str(answer.blocks) + str(answer.text)
    assert "<!channel>" not in (answer.text or "")


def _elements(blocks):
    return [e for block in blocks for part in block["elements"] for e in part["elements"]]


async def test_whoever_may_not_look_is_refused_on_the_record(office) -> None:
    await typed(office, OUT, "list")

    events = [one.event for one in await office.ledger.events()]
    (refused,) = [event for event in events if isinstance(event, CommandRefused)]
    assert (refused.person, refused.asked) == ("T0ACME/U0OUT", "/placet list")
    assert refused.message.startswith("only people of Placet's configuration")
