"""People known by the verified address of their account, where that is switched on."""

import acme
import pytest
from office import BOB, BOT_TOKEN, CAT, GUEST, OUT, PLATFORM, STRANGER, open_office, spec

from bot.checking import Wanted, Weight, look
from bot.slack.client import SlackClient
from bot.slack.manifest import EMAIL, SCOPES, manifest, reading_emails
from bot.workspace.server import LocalWorkspace
from ledger.events.card_events import VoteRefused
from ledger.lives.approvals import ApprovalStatus
from policies.people.people import Agent, Directory, Person, Team

DIRECTORY = Directory(
    people={
        "alice": Person("alice", email="alice@example.com"),
        "bob": Person("bob", email="Bob@Example.com"),
        "cat": Person("cat", "T0ACME/U0CAT"),
    },
    teams={"platform": Team("platform", "C0PLATFORM", ("alice", "bob", "cat"))},
    agents={"ci-bot": Agent("ci-bot", "platform", "alice")},
    server_teams={"files": "platform"},
)
EVERY = frozenset(SCOPES | EMAIL)


@pytest.fixture
async def office(sqlite_url):
    async with open_office(sqlite_url, directory=DIRECTORY, scopes=EVERY) as office:
        await office.listening()
        yield office


async def test_a_verified_address_names_the_person_to_the_call_s_end(office) -> None:
    await office.local.change_user(BOB, email="bob@example.com")
    approval = await office.ask()

    await office.click(BOB, approval, "approve")

    decided = await office.becomes(approval, ApprovalStatus.APPROVED)
    assert decided.by == ("bob",)
    assert decided.votes[0].evidence.matched == "bob"
    await office.run(approval)
    await office.becomes(approval, ApprovalStatus.COMPLETED)


@pytest.mark.parametrize(
    ("who", "changed"),
    [
        (BOB, {"email": "bob@example.com", "is_email_confirmed": False}),
        (BOB, {"email": "somebody@example.com"}),
        (BOB, {}),
    ],
)
async def test_no_other_address_names_anybody(office, who, changed) -> None:
    await office.local.change_user(who, **changed)
    approval = await office.ask()

    await office.click(who, approval, "approve")

    await office.told(who, "Not counted.")
    assert (await office.approval(approval)).status is ApprovalStatus.PENDING


@pytest.mark.parametrize("who", [GUEST, STRANGER])
async def test_guests_and_strangers_are_nobody_whatever_their_address(office, who) -> None:
    await office.local.change_user(who, email="bob@example.com")
    approval = await office.ask()

    await office.click(who, approval, "approve")

    await office.told(who, "Not counted.")
    (refused,) = [e for e in await office.events(approval) if isinstance(e, VoteRefused)]
    assert refused.because in {"guest", "stranger"}
    assert refused.evidence.matched is None


async def test_the_owner_is_known_by_the_address_too_and_refused(office) -> None:
    await office.local.change_user(OUT, email="ALICE@example.com")
    approval = await office.ask()

    await office.click(OUT, approval, "approve")

    await office.told(OUT, "Not counted. You own this agent")


async def test_a_slack_id_of_the_configuration_comes_before_any_address(office) -> None:
    await office.local.change_user(CAT, email="bob@example.com")
    approval = await office.ask()

    await office.click(CAT, approval, "approve")

    decided = await office.becomes(approval, ApprovalStatus.APPROVED)
    assert decided.by == ("cat",)


async def test_where_it_is_off_no_address_names_anybody(sqlite_url) -> None:
    async with open_office(sqlite_url, scopes=EVERY) as office:
        await office.listening()
        await office.local.change_user(OUT, email="bob@example.com")
        approval = await office.ask()

        await office.click(OUT, approval, "approve")

        await office.told(OUT, "Not counted. You are not an approver")


async def test_the_check_wants_the_scope_and_finds_the_accounts() -> None:
    for scopes in (EVERY, frozenset(SCOPES)):
        local = LocalWorkspace(spec(scopes=scopes), rate_limits=False)
        await local.start()
        await local.change_user(BOB, email="bob@example.com")
        slack = SlackClient(BOT_TOKEN, local.api_url, patient=True)
        wanted = Wanted(DIRECTORY, {PLATFORM: "team platform"}, None)
        findings = [each async for each in look(slack, wanted)]
        await local.close()

        wrong = {each.subject for each in findings if each.weight is Weight.WRONG}
        assert ("scope users:read.email" in wrong) is (scopes != EVERY)
        assert ("approver bob of platform (Bob@Example.com)" in wrong) is (scopes != EVERY)
        assert "approver alice of platform (alice@example.com)" in wrong


def test_the_manifest_asks_for_addresses_only_where_it_is_to() -> None:
    assert "users:read.email" not in manifest()["oauth_config"]["scopes"]["bot"]
    assert "users:read.email" in reading_emails(manifest())["oauth_config"]["scopes"]["bot"]


def test_a_name_from_the_ledger_is_nobody_s_once_the_address_is_gone() -> None:
    known = acme.evidence("T0ACME/U0OUT", matched="bob")

    assert known.person_in(DIRECTORY) == "bob"
    assert known.person_in(acme.DIRECTORY) == "T0ACME/U0OUT"
