"""Evidence: always fresh for the person, remembered for groups only where that is allowed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from office import BOB, BOT_TOKEN, CAT, MEMBER

from bot.client import SlackClient
from bot.home import Home, HomeFinder
from bot.records import UserRecord, record_of
from bot.witness import Witness
from bot.workspace.faults import AnswerError, Hang
from policies.people import Directory, Person

GROUP = "S0PLATFORM"
FACTS = {"deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger"}


@pytest.fixture
def witness(closed_office) -> Witness:
    slack = SlackClient(BOT_TOKEN, closed_office.local.api_url, patient=True)

    return Witness(slack, HomeFinder(slack), closed_office.ledger.now, closed_office.directory)


async def test_a_record_is_read_anew_each_time(closed_office, witness) -> None:
    (before,) = await witness.evidence([f"T0ACME/{BOB}"], [], cached=True)
    await closed_office.local.change_user(BOB, is_restricted=True)

    (after,) = await witness.evidence([f"T0ACME/{BOB}"], [], cached=True)

    assert not before.guest
    assert after.guest


async def test_a_membership_is_remembered_where_it_may_be(closed_office, witness) -> None:
    (before,) = await witness.evidence([f"T0ACME/{MEMBER}"], [GROUP], cached=True)
    await closed_office.local.set_usergroup(GROUP, [])

    (remembered,) = await witness.evidence([f"T0ACME/{MEMBER}"], [GROUP], cached=True)
    (fresh,) = await witness.evidence([f"T0ACME/{MEMBER}"], [GROUP], cached=False)

    assert before.memberships[0].member
    assert remembered.memberships == before.memberships
    assert not fresh.memberships[0].member
    assert len(await closed_office.local.requests("usergroups.users.list")) == 2


async def test_a_remembered_membership_keeps_the_time_of_its_reading(
    closed_office, witness
) -> None:
    (first,) = await witness.evidence([f"T0ACME/{MEMBER}"], [GROUP], cached=True)

    (later,) = await witness.evidence([f"T0ACME/{MEMBER}"], [GROUP], cached=True)

    assert later.fetched_at > first.fetched_at
    assert later.memberships[0].fetched_at == first.memberships[0].fetched_at


async def test_each_person_has_their_own_evidence(witness) -> None:
    found = await witness.evidence([f"T0ACME/{BOB}", f"T0ACME/{MEMBER}"], [GROUP], cached=False)

    assert [each.slack for each in found] == [f"T0ACME/{BOB}", f"T0ACME/{MEMBER}"]
    assert [each.memberships[0].member for each in found] == [False, True]


async def test_what_slack_does_not_answer_in_time_is_undetermined(
    closed_office, witness, monkeypatch
) -> None:
    await witness.evidence([f"T0ACME/{CAT}"], [], cached=False)
    await closed_office.local.fail_next("users.info", Hang(), times=3)
    monkeypatch.setattr("bot.witness.SECONDS", 0.2)

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
