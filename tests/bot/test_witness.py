"""Evidence: always fresh for the person, remembered for groups where Slack cannot be asked."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from office import BOB, BOT_TOKEN, CAT, MEMBER

from bot.slack.client import SlackClient
from bot.slack.home import Home, HomeFinder
from bot.slack.records import UserRecord, record_of
from bot.slack.witness import Witness
from bot.workspace.faults import AnswerError, AnswerStatus, Delay, Hang, RateLimit
from policies.people.people import Directory, Person

GROUP = "S0PLATFORM"
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
FACTS = {"deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger"}


@pytest.fixture
def witness(closed_office) -> Witness:
    slack = SlackClient(BOT_TOKEN, closed_office.local.api_url, patient=True)

    return Witness(slack, HomeFinder(slack), closed_office.ledger.now, closed_office.directory)


def witness_at(office, clock) -> Witness:
    """Return a witness for whom it is the newest time of `clock`."""
    slack = SlackClient(BOT_TOKEN, office.local.api_url, patient=True)

    async def now():
        return clock[-1]

    return Witness(slack, HomeFinder(slack), now, office.directory)


async def test_a_record_is_read_anew_each_time(closed_office, witness) -> None:
    (before,) = await witness.evidence([f"T0ACME/{BOB}"], [], cached=True)
    await closed_office.local.change_user(BOB, is_restricted=True)

    (after,) = await witness.evidence([f"T0ACME/{BOB}"], [], cached=True)

    assert not before.guest
    assert after.guest


async def test_a_membership_is_read_anew_while_slack_may_be_asked(closed_office, witness) -> None:
    (before,) = await witness.evidence([f"T0ACME/{MEMBER}"], [GROUP], cached=True)
    await closed_office.local.set_usergroup(GROUP, [])

    (after,) = await witness.evidence([f"T0ACME/{MEMBER}"], [GROUP], cached=True)

    assert before.memberships[0].member
    assert not after.memberships[0].member


@pytest.mark.parametrize(
    ("seconds", "cached", "stands"),
    [(7, False, True), (9, False, False), (9, True, True), (599, True, True), (601, True, False)],
)
@pytest.mark.parametrize("fault", [RateLimit(60), Hang(30), AnswerStatus(503)], ids=str)
async def test_what_was_read_lately_stands_where_slack_may_not_be_asked_or_does_not_answer(
    closed_office, fault, seconds, cached, stands
) -> None:
    clock = [NOON]
    witness = witness_at(closed_office, clock)
    await witness.evidence([f"T0ACME/{MEMBER}"], [GROUP], cached=False)
    await closed_office.local.fail_next("usergroups.users.list", fault, times=9)
    clock.append(NOON + timedelta(seconds=seconds))

    (found,) = await witness.evidence([f"T0ACME/{MEMBER}"], [GROUP], cached=cached)

    assert found.undetermined is None
    assert (found.groups_undetermined is None) is stands
    assert [each.fetched_at for each in found.memberships] == ([NOON] if stands else [])


async def test_who_was_in_no_group_is_not_remembered_as_absent_for_long(closed_office) -> None:
    clock = [NOON]
    witness = witness_at(closed_office, clock)
    await witness.evidence([f"T0ACME/{BOB}"], [GROUP], cached=True)
    await closed_office.local.fail_next("usergroups.users.list", RateLimit(60), times=9)
    clock.append(NOON + timedelta(seconds=31))

    (found,) = await witness.evidence([f"T0ACME/{BOB}"], [GROUP], cached=True)

    assert found.groups_undetermined is not None


@pytest.mark.parametrize("error", ["plan_upgrade_required", "no_such_subteam", "missing_scope"])
async def test_nothing_is_remembered_of_a_group_that_slack_refuses_to_tell(
    closed_office, witness, error
) -> None:
    await witness.evidence([f"T0ACME/{MEMBER}"], [GROUP], cached=True)
    await closed_office.local.fail_next("usergroups.users.list", AnswerError(error))

    (found,) = await witness.evidence([f"T0ACME/{MEMBER}"], [GROUP], cached=True)

    assert found.groups_undetermined == f"user group {GROUP}: Slack says {error}"


async def test_many_who_ask_at_once_read_a_group_once(closed_office, witness, monkeypatch) -> None:
    monkeypatch.setattr("bot.slack.memberships.SECONDS", 60.0)
    await closed_office.local.fail_next("usergroups.users.list", Delay(1.0))  # so all ask meanwhile
    asked = (witness.evidence([f"T0ACME/{MEMBER}"], [GROUP], cached=False) for _ in range(30))

    found = await asyncio.gather(*asked)

    assert all(each.memberships[0].member for (each,) in found)
    assert len(await closed_office.local.requests("usergroups.users.list")) == 1


async def test_what_only_shows_facts_spares_slack(closed_office, witness) -> None:
    for _ in range(3):
        (found,) = await witness.evidence([f"T0ACME/{MEMBER}"], [GROUP], cached=True, sparing=True)

    assert found.memberships[0].member
    assert len(await closed_office.local.requests("usergroups.users.list")) == 1


async def test_each_person_has_their_own_evidence(witness) -> None:
    found = await witness.evidence([f"T0ACME/{BOB}", f"T0ACME/{MEMBER}"], [GROUP], cached=False)

    assert [each.slack for each in found] == [f"T0ACME/{BOB}", f"T0ACME/{MEMBER}"]
    assert [each.memberships[0].member for each in found] == [False, True]


async def test_what_slack_does_not_answer_in_time_is_undetermined(
    closed_office, witness, monkeypatch
) -> None:
    await witness.evidence([f"T0ACME/{CAT}"], [], cached=False)
    await closed_office.local.fail_next("users.info", Hang(), times=3)
    monkeypatch.setattr("bot.slack.witness.SECONDS", 0.2)

    (found,) = await witness.evidence([f"T0ACME/{BOB}"], [GROUP], cached=False)

    assert found.undetermined == "Slack did not answer in time"
    assert found.memberships == ()


@given(
    st.dictionaries(
        st.sampled_from([*UserRecord.model_fields, "else"]),
        st.none() | st.booleans() | st.text(max_size=3) | st.just("T0ACME") | st.just([]),
    )
)
def test_of_a_record_of_any_shape_only_what_it_surely_says_counts(told) -> None:
    record = record_of({"id": BOB, "team_id": "T0ACME", **told})

    if record is not None:
        assert {type(told[name]) for name in FACTS & told.keys()} <= {bool}
        assert record.is_of("T0ACME") is (told.get("team_id", "T0ACME") == "T0ACME")


@pytest.mark.parametrize(
    "told",
    [
        {"team_id": None},
        {"deleted": "false"},
        {"is_bot": 0},
        {"profile": "bob@example.com"},
        {"enterprise_user": {"teams": "T0ACME"}},
        {"enterprise_user": 7},
    ],
    ids=str,
)
async def test_a_record_that_cannot_be_read_leaves_the_person_undetermined(
    closed_office, witness, monkeypatch, told
) -> None:
    await witness.evidence([f"T0ACME/{CAT}"], [], cached=False)
    record = {"id": BOB, "team_id": "T0ACME", **told}
    monkeypatch.setattr(closed_office.local.workspace.people, "as_slack", lambda _user: record)

    (found,) = await witness.evidence([f"T0ACME/{BOB}"], [], cached=False)

    assert found.undetermined == "Slack's answer could not be read"


async def test_an_unknown_person_is_undetermined(witness) -> None:
    (found,) = await witness.evidence(["T0ACME/U0NOBODY"], [], cached=False)

    assert found.undetermined == "Slack says user_not_found"


async def test_a_group_that_is_gone_leaves_membership_undetermined(closed_office, witness) -> None:
    await closed_office.local.set_usergroup(GROUP, None)

    (found,) = await witness.evidence([f"T0ACME/{MEMBER}"], [GROUP], cached=False)

    assert found.undetermined is None
    assert found.groups_undetermined == f"user group {GROUP}: Slack says no_such_subteam"


async def test_without_knowing_the_workspace_everybody_is_undetermined(
    closed_office, witness
) -> None:
    await closed_office.local.fail_next("auth.test", AnswerError("fatal_error"), times=9)

    (found,) = await witness.evidence([f"T0ACME/{BOB}"], [], cached=False)

    assert found.undetermined == "auth.test failed: Slack says fatal_error"


@pytest.mark.parametrize(
    ("teams", "expected"),
    [
        (["T0ACME", "T0ACME"], "E0ORG/U0BOB"),
        (["T0ACME"], "E0ORG/U0BOB"),
        (["E0ORG", "T0ACME"], "E0ORG/U0BOB"),
        (["T0ACME", "T0OTHER"], "T0OTHER/U0BOB"),
        (["T0OTHER", "T0ACME"], "T0OTHER/U0BOB"),
        ([], "E0ORG/U0BOB"),
    ],
)
def test_a_person_of_an_organization_is_found_and_a_foreigner_never_is(teams, expected) -> None:
    home = Home("T0ACME", "E0ORG", "U0PLACET", None, None)
    directory = Directory(people={"bob": Person("bob", "E0ORG/U0BOB")})

    assert home.slack_of(teams, "U0BOB", directory) == expected


def test_a_person_of_a_workspace_is_known_by_it() -> None:
    home = Home("T0ACME", None, "U0PLACET", None, None)

    assert home.slack_of(["T0ACME"], "U0BOB", Directory()) == "T0ACME/U0BOB"
