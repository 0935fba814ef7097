"""Requests for grants in Slack: asked by owners, answered in the owning team's channel; renewal."""

from datetime import timedelta

import acme
import pytest
from office import ALICE, BOB, CAT, EVE, OUT, PLATFORM, SECURITY, shown

from bot.drawing.grant_notices import grant_notices, warns_at
from ledger.events.events import CallDecided
from ledger.events.standing_events import GrantRefused
from ledger.lives.policy_in_force import ActivatePolicy
from ledger.lives.tools import SeeTools
from ledger.views.grant_request_readings import open_requests
from policies.rules.decisions import Effect
from policies.values.calls import Tool

REQUEST = "request ci-bot files/write_* for 2h uses 3 because the archive is moved"


async def typed(office, user, text) -> str:
    answer = await office.local.command(user, PLATFORM, "/placet", text)
    assert answer.error is None
    return shown({"blocks": answer.blocks})


async def told_in(office, text, channel=PLATFORM):
    return await office.local.wait_for_message(channel, lambda message: text in shown(message))


async def effect(office, call: str = "call_1") -> Effect:
    recorded = await office.ledger.execute(acme.ask(call, instance=office.ledger.instance))
    return next(one.event.effect for one in recorded if isinstance(one.event, CallDecided))


async def test_an_owner_asks_and_the_owning_team_gives(office) -> None:
    answer = await typed(office, ALICE, REQUEST)

    assert answer.startswith("Asked platform (grq_")
    message = await told_in(office, "Grant wanted: ci-bot")
    for said in ("files/write_*", "3 times at most", "for 2 h", "the archive is moved"):
        assert said in shown(message)
    assert not [
        found for found in await office.local.messages(SECURITY) if "Grant wanted" in shown(found)
    ]
    await office.local.click(BOB, PLATFORM, message["ts"], "grant.give")
    await office.told(BOB, "Granted as grt_")
    (grant,) = await office.ledger.grants(live=True)
    assert (grant.by, grant.uses, grant.reason) == ("bob", 3, "the archive is moved")
    assert grant.until - grant.issued_at == timedelta(hours=2)
    after = await told_in(office, "Granted: ci-bot")
    assert after["ts"] == message["ts"]
    assert not [block for block in after["blocks"] if block["type"] == "actions"]
    assert await effect(office) is Effect.ALLOW


async def test_an_approver_of_the_team_that_owns_the_tools_gives_and_renews(office) -> None:
    await office.ledger.execute(acme.GUARDED)

    refused = await typed(office, BOB, "grant ci-bot files/write_* for 1h")
    given = await typed(office, EVE, "grant ci-bot files/write_* for 1h")
    asked = await typed(office, ALICE, REQUEST)

    assert "not an approver" in refused
    (grant,) = await office.ledger.grants(live=True)
    assert (grant.by, grant.teams) == ("eve", ("security",))
    assert grant.id in given
    assert asked.startswith("Asked security (grq_")
    assert (await typed(office, EVE, f"renew {grant.id}")).startswith("Renewed as grt_")


NEVER = ActivatePolicy(
    id="policy-2",
    actor="placet:policy",
    digest="7f" * 32,
    text="version: 1\ngrants: {never: {risk: destructive}}\n",
    source="policy.yaml",
)
DROP = Tool("files", "drop_all", "Deletes every file for good", '{"name":"drop_all"}', "9d" * 32)

SEE = SeeTools(id="see-2", actor="placet:gateway", server="files", tools=(acme.WRITE_FILE, DROP))


@pytest.mark.parametrize(
    ("user", "text"),
    [
        (BOB, "grant ci-bot files/drop_all for 1h"),
        (BOB, "grant ci-bot files/drop_* for 1h"),
        (ALICE, "request ci-bot files/drop_all for 1h"),
    ],
)
async def test_a_grant_that_would_lift_nothing_is_neither_given_nor_asked_for(
    office, user, text
) -> None:
    await office.ledger.execute(NEVER)
    see = SeeTools(
        id="see-2", actor="placet:gateway", server="files", tools=(acme.WRITE_FILE, DROP)
    )
    await office.ledger.execute(see)

    answer = await typed(office, user, text)

    assert answer.startswith("Refused: no grant lifts calls of `files/drop_all`, by `grants.never`")
    assert await office.ledger.grants(live=True) == []
    assert await open_requests(office.ledger) == []


async def test_a_grant_that_lifts_less_than_it_names_says_so(office) -> None:
    see = SeeTools(
        id="see-2", actor="placet:gateway", server="files", tools=(acme.WRITE_FILE, DROP)
    )
    await office.ledger.execute(see)
    before = await typed(office, BOB, "grant ci-bot files/drop_all for 1h")
    await office.ledger.execute(NEVER)

    answer = await typed(office, BOB, "grant ci-bot files/* for 1h")
    (first,) = [each for each in await office.ledger.grants(live=True) if "drop" in each.target]
    renewed = await typed(office, BOB, f"renew {first.id}")

    assert "no grant lifts" not in before
    assert "By the policy no grant lifts calls of files/drop_all: these go on asking." in answer
    assert "no grant lifts calls of `files/drop_all`" in renewed


async def test_a_refused_request_gives_nothing(office) -> None:
    await typed(office, ALICE, REQUEST)
    message = await told_in(office, "Grant wanted: ci-bot")

    await office.local.click(CAT, PLATFORM, message["ts"], "grant.refuse")

    await told_in(office, "Grant refused: ci-bot")
    assert await office.ledger.grants(live=True) == []
    assert await effect(office) is Effect.REQUIRE_APPROVAL


async def test_a_press_of_whoever_may_not_answer_is_explained_and_recorded(office) -> None:
    await typed(office, ALICE, REQUEST)
    message = await told_in(office, "Grant wanted: ci-bot")

    for user, because in (
        (ALICE, "someone else has to decide"),
        (EVE, "you are not an approver of `platform`"),
        (OUT, "you are not an approver of `platform`"),
    ):
        await office.local.click(user, PLATFORM, message["ts"], "grant.give")
        await office.told(user, because)

    assert len(await open_requests(office.ledger)) == 1
    events = [one.event for one in await office.ledger.events()]
    assert len([event for event in events if isinstance(event, GrantRefused)]) == 3


@pytest.mark.parametrize(
    ("user", "text", "because"),
    [
        (BOB, REQUEST, "agent `ci-bot` is not yours"),
        (OUT, REQUEST, "agent `ci-bot` is not yours"),
        (ALICE, REQUEST.replace("2h", "9h"), "the policy allows grants of at most 8h"),
        (ALICE, "request ci-bot files/x for 1h when args.(", "Refused: "),
    ],
)
async def test_what_may_not_be_asked_is_refused_with_the_reason(
    office, user, text, because
) -> None:
    assert because in await typed(office, user, text)
    assert await open_requests(office.ledger) == []


async def test_a_condition_on_the_arguments_holds_and_is_shown(office) -> None:
    condition = "when args.path.startsWith(\u201cdocs/\u201d)"

    answer = await typed(office, BOB, f"grant ci-bot files/write_* for 1h {condition}")

    assert 'where args.path.startsWith("docs/")' in answer
    assert 'where args.path.startsWith("docs/")' in await typed(office, ALICE, "list")
    (grant,) = await office.ledger.grants(live=True)
    assert grant.when == 'args.path.startsWith("docs/")'


async def test_channels_are_warned_before_a_grant_ends_and_it_can_be_renewed(
    closed_office,
) -> None:
    office = closed_office
    await office.listening()
    await typed(office, BOB, "grant ci-bot files/write_* for 1h")
    await office.stop_bot()
    office.clock.ahead += timedelta(minutes=50)
    await office.listening()

    message = await told_in(office, "Grant ends soon: ci-bot")
    await office.local.click(EVE, PLATFORM, message["ts"], "grant.renew")
    await office.told(EVE, "you are not an approver")
    await office.local.click(CAT, PLATFORM, message["ts"], "grant.renew")
    await office.told(CAT, "Renewed as grt_")

    (grant,) = await office.ledger.grants(live=True)
    assert grant.by == "cat"
    assert grant.until - grant.issued_at == timedelta(hours=1)
    await told_in(office, "Grant has ended: ci-bot")


async def test_renewing_and_revoking_by_command(office) -> None:
    await typed(office, BOB, "grant ci-bot files/write_* for 1h")
    (first,) = await office.ledger.grants(live=True)

    answer = await typed(office, CAT, f"renew {first.id}")

    assert answer.startswith("Renewed as grt_")
    (second,) = await office.ledger.grants(live=True)
    assert second.id != first.id
    assert "was revoked" in await typed(office, CAT, f"renew {first.id}")


async def test_a_grant_is_warned_about_in_its_last_quarter_at_most_15_minutes_before(
    office,
) -> None:
    await typed(office, BOB, "grant ci-bot files/write_* for 20m")
    (short,) = await office.ledger.grants(live=True)

    assert warns_at(short) == short.until - timedelta(minutes=5)
    assert grant_notices(short, acme.DIRECTORY, short.issued_at) == []
    (due,) = grant_notices(short, acme.DIRECTORY, short.until - timedelta(minutes=4))
    assert due.late
    (over,) = grant_notices(short, acme.DIRECTORY, short.until)
    assert (over.closed, over.late) == (True, False)
    tiny = short.model_copy(update={"until": short.issued_at + timedelta(minutes=9)})
    assert warns_at(tiny) is None
