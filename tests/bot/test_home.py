"""The home tab: what waits for a person and what is theirs, with buttons that do it."""

from dataclasses import replace
from datetime import timedelta

import acme
import blockkit_judge
from hypothesis import given, settings
from hypothesis import strategies as st
from office import ALICE, BOB, CAT, EVE, MEMBER, OUT, PLATFORM, shown, until_async
from slack_limits import breaches, check_message, check_view
from slack_sdk.models.blocks import Block

from bot.drawing.delegation_notices import delegation_notices
from bot.drawing.freeze_notices import freeze_notices
from bot.drawing.glass import break_modal, glass_notices, sign_modal
from bot.drawing.grant_notices import grant_notices, request_notices
from bot.drawing.home_look import look_modal
from bot.drawing.home_view import HomeFacts, home_view
from bot.drawing.modals import Spot
from bot.requests import home_tabs
from bot.slack import retrying
from bot.workspace.faults import RateLimit
from ledger.ledger import Ledger
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.lives.delegations import Delegation
from ledger.lives.freezes import Freeze
from ledger.lives.glasses import Glass
from ledger.lives.grant_requests import GrantRequest, RequestStatus
from ledger.lives.grants import Grant, GrantStatus
from ledger.views.freeze_readings import freezes_in_force
from policies.deciding.freezes import Frozen
from policies.rules.decisions import Term


async def tab(office, user, text: str = ""):
    """Return the person's home tab once it says `text`."""

    async def says() -> bool:
        view = await office.local.home(user)
        return view is not None and text in shown(view)

    await until_async(says)
    return await office.local.home(user)


async def opened(office, user, text: str = ""):
    await office.local.open_home(user)
    return await tab(office, user, text)


async def press(office, user, action, value):
    """Press the button of the thing with this id on the home tab."""
    view = await office.local.home(user)
    (block,) = [
        block
        for block in view["blocks"]
        for element in block.get("elements", [])
        if (element.get("action_id"), element.get("value")) == (action, value)
    ]
    return await office.local.click_in_view(user, view["id"], action, block_id=block["block_id"])


async def test_what_waits_is_shown_to_who_may_decide_and_to_nobody_else(office) -> None:
    mine = await office.ask("call_1")
    theirs = await office.ask("call_2", acme.assessed(terms=(Term("security", 1),)))

    view = await opened(office, BOB, "Waiting for you")

    assert mine in str(view)
    assert theirs not in str(view)
    assert "Nothing waits for you." in shown(await opened(office, ALICE, "Your agents"))
    assert "Placet knows you neither" in shown(await opened(office, OUT, "neither"))


async def test_a_call_is_approved_from_the_tab_after_looking_at_the_whole_card(office) -> None:
    approval = await office.ask()
    await opened(office, BOB, "ci-bot wants")

    await press(office, BOB, "home.look", approval)
    (view,) = await office.local.views(BOB)
    assert '"path": "/etc/motd"' in shown(view)
    submitted = await office.local.submit_view(BOB, view["id"], {"reason": "fine"})

    assert dict(submitted.errors) == {}
    approved = await office.becomes(approval, ApprovalStatus.APPROVED)
    assert approved.by == ("bob",)
    after = await tab(office, BOB, "Nothing waits for you.")
    assert "Approved. The call may run once." in shown(after)


async def test_what_was_decided_meanwhile_is_shown_without_a_yes_under_it(office) -> None:
    approval = await office.ask()
    view = await opened(office, BOB, "ci-bot wants")
    await office.ledger.execute(acme.click("cat", office.clock.now(), approval=approval))

    looked_at = await look_modal(
        await office.approval(approval),
        Spot(approval=approval, channel="", ts="", revision=0),
        office.directory,
    )

    assert "home.look" in str(view)
    assert "submit" not in looked_at
    assert "Approved once by" in shown(looked_at)
    check_view(looked_at)


async def test_who_opens_the_tab_waits_for_nobody_elses(office, monkeypatch) -> None:
    monkeypatch.setattr(home_tabs, "_REST", 3_600.0)
    await opened(office, ALICE, "Your agents")

    await opened(office, BOB, "Nothing waits for you.")


async def test_a_tab_that_slack_takes_later_is_published_later(office, monkeypatch) -> None:
    monkeypatch.setattr(retrying, "LONGEST_WAIT", 0.0)
    await office.local.fail_next("views.publish", RateLimit(1))

    await opened(office, BOB, "Nothing waits for you.")

    assert len(await office.local.requests("views.publish")) > 1


async def test_a_member_whose_group_was_read_minutes_ago_sees_what_is_asked_of_the_team(
    office,
) -> None:
    await opened(office, MEMBER, "Nothing waits for you.")
    office.clock.ahead += timedelta(minutes=5)

    await office.local.command(ALICE, PLATFORM, "/placet", "request ci-bot files/x for 1h")

    await tab(office, MEMBER, "Grants that are asked of you")
    assert len(await office.local.requests("usergroups.users.list")) == 1


async def test_the_tab_follows_what_another_replica_records(office, sqlite_url) -> None:
    await opened(office, BOB, "Nothing waits for you.")
    beside = Ledger.open(
        sqlite_url,
        now=office.clock.now,
        monotonic=office.clock.seconds,
        directory=acme.DIRECTORY,
        serving=False,
    )
    try:
        approval = await replace(office, ledger=beside, bot=None).ask()
        await tab(office, BOB, "ci-bot wants")

        await beside.execute(acme.click("cat", office.clock.now(), approval=approval))

        await tab(office, BOB, "Nothing waits for you.")
    finally:
        beside.close()


async def test_a_tab_on_which_nothing_changed_is_not_published_again(office) -> None:
    await opened(office, ALICE, "Your agents")
    await opened(office, BOB, "Nothing waits for you.")

    approval = await office.ask(assessment=acme.assessed(terms=(Term("security", 1),)))
    await tab(office, ALICE, "waits to call")
    await office.ledger.execute(acme.click("cat", office.clock.now(), approval=approval))
    await tab(office, ALICE, "ci-bot")

    await until_async(lambda: _published(office, ALICE, 3))
    published = [r.arguments["user_id"] for r in await office.local.requests("views.publish")]
    assert published.count(BOB) == 1


async def _published(office, user, times) -> bool:
    asked = await office.local.requests("views.publish")
    return [request.arguments["user_id"] for request in asked].count(user) >= times


async def test_whoever_may_not_decide_is_told_in_the_dialog(office) -> None:
    approval = await office.ask(assessment=acme.assessed(terms=(Term("platform", 2),)))
    await opened(office, BOB, "ci-bot wants")
    await press(office, BOB, "home.look", approval)
    (view,) = await office.local.views(BOB)
    await office.ledger.execute(acme.click("bob", office.clock.now()))

    submitted = await office.local.submit_view(BOB, view["id"], {"reason": "again"})

    assert "already approved" in submitted.errors["reason"]


async def test_an_owner_sees_withdraws_and_freezes_what_is_theirs(office) -> None:
    approval = await office.ask()
    await opened(office, ALICE, "waits to call")

    await press(office, ALICE, "home.withdraw", approval)
    await office.becomes(approval, ApprovalStatus.CANCELLED)
    await tab(office, ALICE, "Taken back")
    await press(office, ALICE, "home.freeze", "ci-bot")

    view = await tab(office, ALICE, "ci-bot is frozen.")
    assert "Frozen" in shown(view)
    (freeze,) = await freezes_in_force(office.ledger)
    await press(office, ALICE, "freeze.lift", freeze.id)
    await tab(office, ALICE, "a second person has to lift it")
    await opened(office, CAT, "was frozen by")
    await press(office, CAT, "freeze.lift", freeze.id)
    await tab(office, CAT, "Lifted frz_")
    assert await freezes_in_force(office.ledger) == []


async def test_grants_are_revoked_and_renewed_where_they_are_listed(office) -> None:
    await office.local.command(BOB, PLATFORM, "/placet", "grant ci-bot files/x for 1h")
    (grant,) = await office.ledger.grants(live=True)
    await opened(office, BOB, "Grants you gave")

    await press(office, BOB, "grant.renew", grant.id)
    await tab(office, BOB, "Renewed as grt_")
    (renewed,) = await office.ledger.grants(live=True)
    await tab(office, BOB, renewed.id)
    await press(office, BOB, "grant.revoke", renewed.id)

    await tab(office, BOB, "None is in force.")
    assert await office.ledger.grants(live=True) == []


async def test_what_owners_ask_for_is_given_on_the_tab(office) -> None:
    await office.local.command(ALICE, PLATFORM, "/placet", "request ci-bot files/x for 1h")
    view = await opened(office, BOB, "Grants that are asked of you")
    request = next(
        element["value"]
        for block in view["blocks"]
        for element in block.get("elements", [])
        if element.get("action_id") == "grant.give"
    )

    await press(office, BOB, "grant.give", request)

    await tab(office, BOB, "Granted as grt_")
    assert "asked of you" not in shown(await opened(office, EVE, "Nothing waits"))


HOSTILE = st.text(max_size=80) | st.sampled_from(["`*_~<!channel> <@U0BOB>", "\u202e\x00", "&amp;"])


def hostile_facts(text: str, count: int) -> HomeFacts:
    """Return a tab as full as can be of things that are called `text`."""
    book = acme.Book()
    book.do(acme.ask(arguments="{}"))
    approval: Approval = book.approval()
    request = approval.request.model_copy(update={"agent": text, "tool": text})
    at, later = acme.NOON, acme.NOON + timedelta(hours=1)
    place = {"version": 1, "position": 9}

    def many(make):
        return [make(number) for number in range(count)]

    waiting = many(lambda n: approval.model_copy(update={"id": f"apr_{n}", "request": request}))
    return HomeFacts(
        news=text,
        waiting=waiting,
        own=waiting,
        requests=many(
            lambda n: GrantRequest(
                id=f"grq_{n}",
                status=RequestStatus.PENDING,
                agent=text,
                target=text,
                lasting_seconds=60,
                uses=None,
                when=text,
                reason=text,
                by=text,
                teams=("platform",),
                requested_at=at,
                expires_at=later,
                **place,
            )
        ),
        grants=many(
            lambda n: Grant(
                id=f"grt_{n}",
                status=GrantStatus.LIVE,
                agent=text,
                target=text,
                until=later,
                uses=3,
                reason=text,
                by=text,
                teams=(),
                issued_at=at,
                when=text,
                **place,
            )
        ),
        agents=[f"{text}{number}" for number in range(count)],
        freezes=many(
            lambda n: Freeze(
                id=f"frz_{n}",
                over=Frozen.SERVER,
                name=text,
                by=text,
                slack=None,
                reason=text,
                begun_at=at,
                until=later,
                **place,
            )
        ),
        delegations=many(
            lambda n: Delegation(
                id=f"dlg_{n}",
                giver=text,
                giver_slack="T0ACME/U0BOB",
                delegate=text,
                delegate_slack=text,
                teams=("platform", text),
                reason=text,
                given_at=at,
                until=later,
                **place,
            )
        ),
        glasses=many(
            lambda n: Glass(
                id=f"brk_{n}",
                approval=f"apr_{n}",
                agent=text,
                server=text,
                tool=text,
                by=text,
                slack="T0ACME/U0BOB",
                reason=text,
                skipped=(),
                teams=(),
                broken_at=at,
                **place,
            )
        ),
    )


@settings(max_examples=25)
@given(HOSTILE, st.sampled_from([0, 1, 30]))
def test_the_tab_keeps_slacks_limits_whatever_things_are_called(text, count) -> None:
    view = home_view(hostile_facts(text, count), acme.DIRECTORY)

    assert breaches(view["blocks"], most_blocks=100) == []
    for block in view["blocks"]:
        Block.parse(block).validate_json()
    blockkit_judge.approved(view["blocks"])


@settings(max_examples=25)
@given(HOSTILE)
def test_messages_about_freezes_grants_and_glasses_keep_slacks_limits(text) -> None:
    facts = hostile_facts(text, 1)
    (freeze,), (glass,), (request,), (grant,) = (
        facts.freezes,
        facts.glasses,
        facts.requests,
        facts.grants,
    )
    ended = {"ended_at": acme.NOON, "ended_by": text}
    glass = glass.model_copy(update={"teams": ("platform",), "skipped": (text,) * 99})
    grant = grant.model_copy(update={"teams": ("platform", "security")})
    soon = grant.until - timedelta(minutes=1)
    signed = {"reviewed_at": acme.NOON, "reviewed_by": text, "note": text}
    for message in (
        *freeze_notices(freeze, ("platform",), acme.DIRECTORY),
        *freeze_notices(freeze.model_copy(update=ended), ("platform",), acme.DIRECTORY),
        *delegation_notices(facts.delegations[0], acme.DIRECTORY),
        *delegation_notices(facts.delegations[0].model_copy(update=ended), acme.DIRECTORY),
        *glass_notices(glass, acme.DIRECTORY),
        *glass_notices(glass.model_copy(update=signed), acme.DIRECTORY),
        *request_notices(request, acme.DIRECTORY),
        *grant_notices(grant, acme.DIRECTORY, soon),
        *grant_notices(grant, acme.DIRECTORY, grant.until),
    ):
        check_message(list(message.blocks))
    check_view(sign_modal(glass, "C0PLATFORM", acme.DIRECTORY))
    check_view(break_modal(facts.waiting[0], "C0PLATFORM", text[:500]))
