"""What Slack's word on a person is worth, and for how long."""

from dataclasses import replace
from datetime import timedelta

import pytest
from acme import DIRECTORY, NOON, evidence

from ledger.events.evidence import Evidence, Standing, standing
from ledger.events.parties import Parties
from policies.people.people import Person


def judged(name: str, proof: Evidence, **changes: object) -> Standing:
    known = {
        "teams": ("platform",),
        "parties": Parties(),
        "group_age": timedelta(minutes=10),
        "at": NOON,
    }
    return standing(name, proof, DIRECTORY, **{**known, **changes})


def test_an_approver_on_the_teams_list_may_decide() -> None:
    found = judged("bob", evidence("bob"))

    assert found.teams == ("platform",)
    assert found.because == ""


def test_an_approver_decides_only_for_the_teams_that_list_them() -> None:
    found = judged("eve", evidence("eve"), teams=("platform", "security"))

    assert found.teams == ("security",)


def test_a_person_who_is_no_approver_is_told_whom_to_ask() -> None:
    found = judged("eve", evidence("eve"))

    assert found.because == "not-an-approver"
    assert found.message == "you are not an approver of `platform`; ask someone who is"


def test_a_team_that_the_configuration_no_longer_has_entitles_nobody() -> None:
    found = judged("bob", evidence("bob"), teams=("retired",))

    assert found.because == "not-an-approver"


@pytest.mark.parametrize("parties", [("bob", None), ("alice", "bob")])
def test_the_owner_and_the_person_acted_for_may_not_decide(parties: tuple[str, str | None]) -> None:
    found = judged("bob", evidence("bob"), parties=Parties.of(*parties, DIRECTORY))

    assert found.because == "own-request"


@pytest.mark.parametrize("slack", ["T0ACME/U0BOB", "E0ACME/U0BOB", "T0OTHER/U0BOB"])
def test_a_party_is_known_by_its_user_id_whatever_workspace_is_written(slack: str) -> None:
    proof = evidence(slack, groups=["S0PLATFORM"])

    found = judged(slack, proof, parties=Parties.of("bob", None, DIRECTORY))

    assert found.because == "own-request"


def unplaced(name: str) -> Parties:
    people = {**DIRECTORY.people, "sam": Person("sam", subject="sam@example.com")}
    return Parties.of(name, None, replace(DIRECTORY, people=people))


@pytest.mark.parametrize("party", ["sam", "somebody-who-left"])
def test_a_member_of_a_group_decides_nothing_for_someone_without_a_slack_id(party: str) -> None:
    zoe = "T0ACME/U0ZOE"

    found = judged(zoe, evidence(zoe, groups=["S0PLATFORM"]), parties=unplaced(party))

    assert (found.teams, found.because) == ((), "perhaps-own-request")
    assert found.message == (
        f"`{party}` owns this agent, or it acts for them, and the configuration has no Slack id"
        " of theirs: you might be the same person, so someone whom it names has to decide"
    )


def test_whom_the_configuration_names_is_told_from_someone_without_a_slack_id() -> None:
    listed = judged("bob", evidence("bob"), parties=unplaced("sam"))
    member = judged("eve", evidence("eve", groups=["S0PLATFORM"]), parties=unplaced("sam"))

    assert listed.teams == member.teams == ("platform",)


@pytest.mark.parametrize(
    ("fact", "because"),
    [("deleted", "deactivated"), ("bot", "bot"), ("guest", "guest"), ("stranger", "stranger")],
)
def test_an_unfit_account_decides_nothing_though_it_is_listed(fact: str, because: str) -> None:
    found = judged("bob", evidence("bob", **{fact: True}))

    assert found.because == because
    assert found.teams == ()


def test_an_unread_user_record_refuses_and_says_what_slack_said() -> None:
    found = judged("bob", evidence("bob", undetermined="ratelimited"))

    assert found.because == "undetermined"
    assert "ratelimited" in found.message


def test_evidence_ten_seconds_old_still_counts() -> None:
    found = judged("bob", evidence("bob", NOON - timedelta(seconds=10)))

    assert found.teams == ("platform",)


@pytest.mark.parametrize("seconds", [-10.001, 10.001, 3600.0])
def test_evidence_read_more_than_ten_seconds_from_now_does_not_count(seconds: float) -> None:
    found = judged("bob", evidence("bob", NOON - timedelta(seconds=seconds)))

    assert found.because == "stale-evidence"


def test_a_member_of_the_teams_user_group_may_decide_without_being_named() -> None:
    found = judged("T0ACME/U0ZOE", evidence("T0ACME/U0ZOE", groups=["S0PLATFORM"]))

    assert found.teams == ("platform",)


def test_a_member_of_another_user_group_may_not() -> None:
    found = judged("T0ACME/U0ZOE", evidence("T0ACME/U0ZOE", groups=["S0SALES"]))

    assert found.because == "not-an-approver"


def test_a_record_of_not_being_a_member_is_not_membership() -> None:
    proof = Evidence.model_validate(
        {
            "slack": "T0ACME/U0ZOE",
            "fetched_at": NOON,
            "memberships": [{"group": "S0PLATFORM", "member": False, "fetched_at": NOON}],
        }
    )

    assert judged("T0ACME/U0ZOE", proof).because == "not-an-approver"


@pytest.mark.parametrize(
    ("age", "allowed", "because"),
    [
        (600, timedelta(minutes=10), ""),
        (601, timedelta(minutes=10), "not-an-approver"),
        (10, timedelta(seconds=10), ""),
        (11, timedelta(seconds=10), "not-an-approver"),
        (-60, timedelta(minutes=10), "not-an-approver"),
    ],
)
def test_a_cached_membership_counts_as_long_as_the_risk_allows(
    age: int, allowed: timedelta, because: str
) -> None:
    proof = Evidence.model_validate(
        {
            "slack": "T0ACME/U0ZOE",
            "fetched_at": NOON,
            "memberships": [
                {
                    "group": "S0PLATFORM",
                    "member": True,
                    "fetched_at": NOON - timedelta(seconds=age),
                }
            ],
        }
    )

    assert judged("T0ACME/U0ZOE", proof, group_age=allowed).because == because


def test_unread_groups_refuse_only_those_who_need_them() -> None:
    unread = {"groups_undetermined": "missing_scope"}

    listed = judged("bob", evidence("bob", **unread))
    unlisted = judged("T0ACME/U0ZOE", evidence("T0ACME/U0ZOE", **unread))

    assert listed.teams == ("platform",)
    assert unlisted.because == "undetermined"
    assert "missing_scope" in unlisted.message
