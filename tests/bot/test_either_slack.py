"""What the bot does against the local workspace it does against a Slack emulator we did not write.

The emulator has no user groups, no deactivated users and no rate limits; those stand elsewhere.
"""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import acme
import aiohttp
import pytest
from either_slack import EitherSlack, Json, Known, shown
from office import (
    ALICE,
    BOB,
    BOT,
    BOT_TOKEN,
    CAT,
    OUT,
    PLATFORM,
    SECURITY,
    SIGNING_SECRET,
    Clock,
    Office,
    spec,
    until,
    until_async,
)
from ports import free_port
from processes import serving
from slack_wire import Wire

from bot.bot import OverHttp
from bot.workspace.server import LocalWorkspace
from ledger.ledger import Ledger
from ledger.lives.approvals import ApprovalStatus
from ledger.lives.deadlines_due import ExpireApproval
from policies.people.people import Directory
from policies.rules.decisions import Term

EMULATOR = Path(__file__).parent.parent / "node" / "emulator.mjs"
SCOPES = ["channels:history", "chat:write", "commands", "users:read", "usergroups:read"]
SEED = {
    "tokens": {},
    "slack": {
        "strict_scopes": True,
        "users": [{"name": name} for name in ("alice", "bob", "cat", "outsider")],
        "channels": [{"name": "platform"}, {"name": "security"}],
        "oauth_apps": [
            {
                "app_id": "A0PLACET",
                "client_id": "1.2",
                "client_secret": "secret",
                "name": "Placet",
                "redirect_uris": ["http://localhost/"],
                "scopes": SCOPES,
                "bot_id": "B0PLACET",
                "bot_user_id": BOT,
                "bot_name": "placet",
            }
        ],
        "tokens": [
            {
                "token": BOT_TOKEN,
                "type": "bot",
                "user_id": BOT,
                "bot_id": "B0PLACET",
                "bot_user_id": BOT,
                "app_id": "A0PLACET",
                "scopes": SCOPES,
            },
            {"token": "xoxp-reader", "user": "alice"},
        ],
    },
}
TWO = acme.assessed(terms=(Term("platform", 2),))


@dataclass
class Place:
    """An office whose people act in `slack`."""

    office: Office
    slack: EitherSlack

    async def ask(self, call: str = "call_1", assessment=None, **facts) -> tuple[str, Json]:
        """Let an agent ask; return the approval and its card."""
        approval = await self.office.ask(call, assessment, **facts)
        card = await self.slack.card(approval)
        await self.office.told_card(approval)
        return approval, card


@pytest.fixture(params=["local workspace", "emulator"])
async def place(request, sqlite_url: str, free_port: int) -> AsyncIterator[Place]:
    """Give an office at each of the two, with a bot that listens over HTTP."""
    node = None if request.param == "local workspace" else request.getfixturevalue("node")
    async with AsyncExitStack() as stack:
        opened = _emulated(node) if node else _ours()
        target, known, trigger = await stack.enter_async_context(opened)
        wire = await stack.enter_async_context(Wire(target).open())
        clock, directory = Clock(), _directory(known)
        ledger = Ledger.open(
            sqlite_url, now=clock.now, monotonic=clock.seconds, directory=directory
        )
        stack.callback(ledger.close)
        for command in acme.PREPARED:
            await ledger.execute(command)
        office = Office(ledger, wire, clock, directory, OverHttp(SIGNING_SECRET), free_port)
        stack.push_async_callback(office.stop_bot)
        bot = await office.start_bot()
        await until(lambda: bot.ready() == [])
        events = f"http://127.0.0.1:{free_port}/slack/events"
        yield Place(office, EitherSlack(wire, known, events, trigger))


@asynccontextmanager
async def _ours():
    local = LocalWorkspace(spec(), rate_limits=False)
    await local.start()
    people = {"alice": ALICE, "bob": BOB, "cat": CAT, "outsider": OUT, "placet": BOT}
    channels = {"platform": PLATFORM, "security": SECURITY}
    known = Known("T0ACME", "A0PLACET", BOT_TOKEN, BOT_TOKEN, people, channels)

    async def trigger(who: str) -> str:
        return local.workspace.tickets.trigger(people[who])

    try:
        yield local.api_url, known, trigger
    finally:
        await local.close()


@asynccontextmanager
async def _emulated(node: Path):
    port = free_port()
    api = f"http://127.0.0.1:{port}/api/"
    with serving([node, EMULATOR, str(port), json.dumps(SEED)], port):
        async with aiohttp.ClientSession() as session:

            async def asked(method: str, token: str = BOT_TOKEN, **form: str) -> Json:
                headers = {"Authorization": f"Bearer {token}"}
                async with session.post(api + method, data=form, headers=headers) as answer:
                    said = await answer.json()
                assert said["ok"], said
                return said

            home = await asked("auth.test")
            users = (await asked("users.list"))["members"]
            listed = (await asked("conversations.list", "xoxp-reader"))["channels"]
            people = {user["name"]: user["id"] for user in users}
            channels = {channel["name"]: channel["id"] for channel in listed}

            async def trigger(who: str) -> str:
                return (await asked("views.generateTriggerId", user_id=people[who]))["trigger_id"]

            known = Known(home["team_id"], "A0PLACET", BOT_TOKEN, "xoxp-reader", people, channels)
            yield api, known, trigger


def _directory(known: Known) -> Directory:
    """Return acme's people, teams and agents, known by the ids of this workspace."""
    acme_people = acme.DIRECTORY.people
    people = {
        name: replace(acme_people[name], slack=f"{known.team}/{known.people[name]}")
        for name in ("alice", "bob", "cat")
    }
    teams = {
        "platform": replace(
            acme.DIRECTORY.teams["platform"],
            channel=known.channels["platform"],
            approvers=("alice", "bob", "cat"),
            groups=(),
        ),
        "security": replace(
            acme.DIRECTORY.teams["security"], channel=known.channels["security"], approvers=("cat",)
        ),
    }
    return replace(acme.DIRECTORY, people=people, teams=teams)


async def test_a_yes_repaints_the_card_in_place_and_is_told_in_its_thread(place: Place) -> None:
    approval, card = await place.ask()

    await place.slack.press("bob", card, "approval.approve")

    await place.slack.told("bob", "Approved. The call may run once.")
    painted = await place.slack.card(approval, "Approved")
    await place.slack.in_thread(card, "Approved once by bob")
    assert painted["ts"] == card["ts"]
    assert len([m for m in await place.slack.messages() if approval in str(m)]) == 1
    assert place.slack.refused() == []


async def test_a_card_whose_answer_was_lost_is_found_in_its_channel(place: Place) -> None:
    place.slack.wire.lost.add("chat.postMessage")

    approval, card = await place.ask()
    await until_async(lambda: _recorded(place, approval, "CardRepainted"))

    assert [m["ts"] for m in await place.slack.messages() if approval in str(m)] == [card["ts"]]
    found = await place.slack.hears("conversations.history")
    assert found.answer["ok"]
    await place.slack.press("bob", card, "approval.approve")
    await place.slack.card(approval, "Approved")


async def _recorded(place: Place, approval: str, topic: str) -> bool:
    return topic in await place.office.topics(approval)


async def test_a_no_asks_why_in_a_modal(place: Place) -> None:
    approval, card = await place.ask()

    await place.slack.press("bob", card, "approval.deny")
    view = await place.slack.view()
    await place.slack.submit("bob", view, {"reason": "not on a Friday"})

    await place.slack.card(approval, "Denied")
    await place.slack.in_thread(card, "not on a Friday")
    assert (await place.office.approval(approval)).status is ApprovalStatus.DENIED
    assert place.slack.refused() == []


async def test_two_people_complete_a_count_of_two(place: Place) -> None:
    approval, card = await place.ask(assessment=TWO)

    await place.slack.press("bob", card, "approval.approve")
    await place.slack.told("bob", "It waits for 1 more from team platform.")
    await place.slack.press("bob", card, "approval.approve")
    await place.slack.press("cat", card, "approval.approve")

    await place.slack.told("cat", "Approved. The call may run once.")
    assert (await place.office.topics(approval)).count("VoteCast") == 2
    assert place.slack.refused() == []


@pytest.mark.parametrize(
    ("who", "why"),
    [
        ("outsider", "Not counted."),
        ("alice", "Not counted."),
        ("placet", "Not counted."),
    ],
)
async def test_who_may_not_decide_is_told_so(place: Place, who: str, why: str) -> None:
    approval, card = await place.ask()

    await place.slack.press(who, card, "approval.approve")

    if who != "placet":
        await place.slack.told(who, why)
    assert (await place.office.approval(approval)).votes == ()
    assert (await place.office.topics(approval)).count("VoteRefused") == 1


async def test_a_click_of_another_workspace_decides_nothing(place: Place) -> None:
    approval, card = await place.ask()

    elsewhere = {"id": place.slack.known.people["bob"], "team_id": "T0OTHER"}
    await place.slack.press("bob", card, "approval.approve", user=elsewhere)

    assert (await place.office.approval(approval)).votes == ()


async def test_details_are_read_page_by_page(place: Place) -> None:
    content = json.dumps({"content": "line\n" * 6000, "path": "/etc/motd"})
    _, card = await place.ask(arguments=content)

    await place.slack.press("bob", card, "approval.details")
    first = await place.slack.view()
    before = len(place.slack.wire.asked)
    await place.slack.press_in_view("bob", first, "details.next")
    second = await place.slack.view(since=before)

    assert "Page 1 of" in shown(first)
    assert "Page 2 of" in shown(second)
    assert first["id"] == second["id"]
    assert place.slack.refused() == []


async def test_a_modal_comes_too_late_for_its_trigger(place: Place) -> None:
    _, card = await place.ask()
    spent = await place.slack.trigger("bob")

    await place.slack.press("bob", card, "approval.deny", trigger_id=spent)
    await place.slack.hears("views.open")
    await place.slack.press("bob", card, "approval.deny", trigger_id=spent)

    await place.slack.told("bob", "Nothing was recorded:")
    assert [method for method, _ in place.slack.refused()] == ["views.open"]


async def test_what_nobody_decided_expires_on_its_card(place: Place) -> None:
    approval, _ = await place.ask()

    place.office.clock.ahead = timedelta(hours=1)
    expire = ExpireApproval(id="expire-1", actor="placet:deadlines", approval=approval)
    await place.office.ledger.execute(expire)

    await place.slack.card(approval, "Expired")
    assert place.slack.refused() == []


async def test_the_run_of_a_call_is_told_in_the_thread(place: Place) -> None:
    approval, card = await place.ask()
    await place.slack.press("bob", card, "approval.approve")
    await place.slack.card(approval, "Approved")

    await place.office.run(approval)

    await place.slack.card(approval, "Completed")
    await place.slack.in_thread(card, "812 ms")
    assert place.slack.refused() == []


async def test_a_permission_is_given_listed_and_revoked_by_command(place: Place) -> None:
    given = await place.slack.type("bob", "grant ci-bot files/write_file for 1h")
    listed = await place.slack.type("bob", "list")
    name = given.split()[1].rstrip(":.,")
    revoked = await place.slack.type("bob", f"revoke {name}")

    assert given.startswith("Granted grt_")
    assert name in listed
    assert name in revoked
    assert "grt_" not in await place.slack.type("bob", "list")
    assert place.slack.refused() == []


async def test_hostile_text_changes_nothing_of_what_the_card_is(place: Place) -> None:
    bell = json.dumps({"path": "<!channel> <@U0BOB> *x* \u202e\u0000", "content": "`" * 300})

    _, card = await place.ask(arguments=bell)

    assert "mrkdwn" not in json.dumps(card["blocks"])
    assert "<!channel>" not in card.get("text", "")
    assert place.slack.refused() == []
