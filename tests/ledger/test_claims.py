"""What a settled call comes to: it runs, is denied, waits, joins, or claims its approval."""

from dataclasses import replace

import pytest
from acme import DIRECTORY, WRITE_FILE, Book, after, ask, assessed, click, evidence, facts, use

from ledger.deciding.claims import AlreadyUsed, PolicyChanged, ToolChanged
from ledger.events.events import (
    ApprovalDispatched,
    ApprovalRequested,
    ApprovalVoided,
    CallDecided,
)
from ledger.lives.approvals import ApprovalStatus
from ledger.lives.policy_in_force import ActivatePolicy
from ledger.lives.tools import SeeTools
from policies.people.people import Person, Team
from policies.rules.decisions import Effect, Spoke, Term
from policies.values.refusals import Refused


def given(**assessment: object) -> Book:
    book = Book()
    book.do(ask(assessment=assessed(**assessment)))
    book.do(click("bob", reason="INC-7"))
    return book


def voided(book: Book, *commands: object) -> str:
    events = [event for command in commands for event in book.do(command)]  # type: ignore[arg-type]  # any command
    found = [event for event in events if isinstance(event, ApprovalVoided)]
    assert not any(isinstance(event, ApprovalDispatched) for event in events)
    assert book.approval().status is ApprovalStatus.VOIDED
    return found[0].because


def test_an_allowed_call_is_decided_and_asks_nobody() -> None:
    book = Book()

    (decided,) = book.do(ask(assessment=assessed(Effect.ALLOW)))

    assert isinstance(decided, CallDecided)
    assert (decided.effect, decided.approval, decided.grant) == (Effect.ALLOW, None, None)
    assert decided.instance == "one"
    assert decided.policy_digest == "5f" * 32


def test_a_denied_call_is_recorded_with_its_rules() -> None:
    book = Book()

    (decided,) = book.do(ask(assessment=assessed(Effect.DENY, message="people do that")))

    assert isinstance(decided, CallDecided)
    assert decided.effect is Effect.DENY
    assert decided.rules[0].rule == "writes"
    assert decided.message == "people do that"


@pytest.mark.parametrize("effect", [Effect.DENY, Effect.REQUIRE_APPROVAL])
def test_an_observed_call_runs_whatever_is_decided_and_touches_no_approval(effect: Effect) -> None:
    book = Book()
    book.do(ask())

    (decided,) = book.do(ask("call_2", assessed(effect), observed=True))

    assert isinstance(decided, CallDecided)
    assert (decided.effect, decided.observed, decided.approval) == (effect, True, None)
    assert book.approval().status is ApprovalStatus.PENDING


def test_a_call_that_needs_approval_is_decided_and_asks() -> None:
    book = Book()

    book.do(ask())

    assert book.names() == ["CallDecided", "ApprovalRequested"]


def test_an_identical_call_joins_the_pending_approval() -> None:
    book = Book()
    book.do(ask())

    decided, joined = book.do(ask("call_2"))

    assert isinstance(decided, CallDecided)
    assert decided.approval == "apr_1"
    assert joined.TOPIC == "ApprovalJoined"
    assert book.approval().calls == ("call_1", "call_2")


def test_a_call_with_other_arguments_asks_for_itself() -> None:
    book = Book()
    book.do(ask())

    events = book.do(ask("call_2", digests=("k1:other",)))

    assert [event.TOPIC for event in events] == ["CallDecided", "ApprovalRequested"]


def test_a_call_finds_its_approval_under_an_older_key() -> None:
    book = Book()
    book.do(ask())

    events = book.do(ask("call_2", digests=("k2:new", *facts().digests)))

    assert [event.TOPIC for event in events] == ["CallDecided", "ApprovalJoined"]


def test_a_waiting_call_uses_the_approval_once_it_is_given() -> None:
    book = given()

    (dispatched,) = book.do(use())

    assert isinstance(dispatched, ApprovalDispatched)
    assert (dispatched.call, dispatched.instance) == ("call_1", "one")
    assert book.approval().status is ApprovalStatus.DISPATCHED


def test_a_repeated_call_uses_the_given_approval_at_once() -> None:
    book = given()

    events = book.do(ask("call_2"))

    assert [event.TOPIC for event in events] == [
        "CallDecided",
        "ApprovalJoined",
        "ApprovalDispatched",
    ]
    assert book.approval().dispatched_call == "call_2"


def test_exactly_one_claim_wins_and_the_others_are_told_when() -> None:
    book = Book()
    book.do(ask())
    book.do(ask("call_2"))
    book.do(ask("call_3"))
    book.do(click("bob"))

    book.do(use("call_2"), after(3))

    for loser in ("call_1", "call_3", "call_2"):
        with pytest.raises(AlreadyUsed, match="used by an identical call at 12:00:03 UTC"):
            book.do(use(loser), after(4))
    assert book.names().count("ApprovalDispatched") == 1


def test_a_used_approval_stays_used_after_a_restart() -> None:
    book = given()
    book.do(use())

    with pytest.raises(AlreadyUsed):
        book.restarted().do(use("call_2"))


def test_an_identical_call_after_the_use_asks_anew() -> None:
    book = given()
    book.do(use())

    events = book.do(ask("call_2"))

    assert [event.TOPIC for event in events] == ["CallDecided", "ApprovalRequested"]


@pytest.mark.parametrize("status", ["pending", "denied", "cancelled"])
def test_what_was_not_given_cannot_be_used(status: str) -> None:
    book = Book()
    book.do(ask())
    if status == "denied":
        book.do(click("bob", approves=False))
    if status == "cancelled":
        book = Book()
        book.do(ask())
        _cancel(book)

    with pytest.raises(Refused, match=f"is {status}"):
        book.do(use())


def _cancel(book: Book) -> None:
    approval = book.approval()
    changed = approval.model_copy(update={"status": ApprovalStatus.CANCELLED})
    book.state.restore("approval", changed)


def test_a_claim_at_the_end_of_its_time_lapses() -> None:
    book = given()

    (event,) = book.do(use(), after(900))

    assert event.TOPIC == "ApprovalLapsed"


def test_a_repeated_call_after_the_end_of_its_time_lapses_and_asks_anew() -> None:
    book = given()

    events = book.do(ask("call_2"), after(900))

    assert [event.TOPIC for event in events] == [
        "ApprovalLapsed",
        "CallDecided",
        "ApprovalRequested",
    ]


def test_a_call_after_the_deadline_expires_the_old_question_and_asks_anew() -> None:
    book = Book()
    book.do(ask())

    events = book.do(ask("call_2"), after(1800))

    assert [event.TOPIC for event in events] == [
        "ApprovalExpired",
        "CallDecided",
        "ApprovalRequested",
    ]


def test_a_call_that_is_denied_now_voids_its_approval() -> None:
    denied = assessed(
        Effect.DENY, spoke=(Spoke("no-writes", "/rules/0", Effect.DENY, "it has no condition"),)
    )

    assert voided(given(), use(assessment=denied)) == "denied by rule `no-writes`"


def test_a_repeated_call_that_is_denied_now_voids_the_approval_too() -> None:
    denied = assessed(Effect.DENY)

    assert voided(given(), ask("call_2", assessment=denied)) == "denied by rule `writes`"


def test_a_denied_call_after_the_deadline_finds_the_approval_expired_not_void() -> None:
    book = Book()
    book.do(ask())

    events = book.do(ask("call_2", assessment=assessed(Effect.DENY)), after(1800))

    assert [event.TOPIC for event in events] == ["CallDecided", "ApprovalExpired"]


def test_more_approvals_void() -> None:
    stricter = assessed(terms=(Term("platform", 2),))

    because = voided(given(), use(assessment=stricter))

    assert because == "team `platform` now has to give 2 approvals, of which 1 count"


def test_another_team_voids() -> None:
    other = assessed(terms=(Term("security", 1),))

    assert voided(given(), use(assessment=other)) == (
        "team `security` now has to give 1 approvals, of which 0 count"
    )


def test_a_reason_asked_for_only_now_voids_a_yes_without_one() -> None:
    book = Book()
    book.do(ask())
    book.do(click("bob"))

    because = voided(book, use(assessment=assessed(reason_required=True)))

    assert because == "the policy asks for a reason now"


def test_fewer_demands_void_nothing() -> None:
    book = given(terms=(Term("platform", 1),), reason_required=True)

    (event,) = book.do(use(assessment=assessed(Effect.ALLOW)))

    assert event.TOPIC == "ApprovalDispatched"


def test_a_changed_policy_alone_voids_nothing() -> None:
    book = given()
    activate(book, "6e" * 32)

    (event,) = book.do(use(assessment=assessed(policy_digest="6e" * 32)))

    assert isinstance(event, ApprovalDispatched)
    assert event.policy_digest == "6e" * 32


def activate(book: Book, digest: str) -> None:
    book.do(ActivatePolicy(id=digest, actor="placet:policy", digest=digest, text="", source="x"))


def test_a_changed_definition_voids() -> None:
    book = given()
    see(book, "bb" * 32)

    assert voided(book, use(definition_hash="bb" * 32)) == "the tool's definition changed"


def test_a_repeated_call_with_a_changed_definition_voids_and_asks_anew() -> None:
    book = given()
    see(book, "bb" * 32)

    events = book.do(ask("call_2", definition_hash="bb" * 32))

    assert [event.TOPIC for event in events] == [
        "ApprovalVoided",
        "CallDecided",
        "ApprovalRequested",
    ]


def see(book: Book, definition: str) -> None:
    changed = replace(WRITE_FILE, hash=definition)
    book.do(SeeTools(id=definition, actor="placet:gateway", server="files", tools=(changed,)))


def test_another_calls_approval_cannot_be_used() -> None:
    because = voided(given(), use("call_2", digests=("k1:other",)))

    assert because == "the call is not the one that was approved"


def test_a_given_approval_is_void_for_a_call_that_brings_more_beside_its_arguments() -> None:
    because = voided(given(), use(meta_keys=("params.inputResponses",)))

    assert because == "the call brings `params.inputResponses` besides, which was not on the card"


@pytest.mark.parametrize("votes", [(), ("bob",)])
def test_an_identical_call_that_brings_more_is_asked_about_anew(votes: tuple[str, ...]) -> None:
    book = Book()
    book.do(ask(meta_keys=("a/known",)))
    for voter in votes:
        book.do(click(voter))

    events = book.do(ask("call_2", meta_keys=("a/known", "io.evil/x")))

    voided, _, asked = events
    assert isinstance(voided, ApprovalVoided)
    assert voided.because == "the call brings `io.evil/x` besides, which was not on the card"
    assert isinstance(asked, ApprovalRequested)
    assert asked.meta_keys == ("a/known", "io.evil/x")


def test_an_identical_call_that_brings_less_uses_the_approval() -> None:
    book = Book()
    book.do(ask(meta_keys=("a/known", "b/known")))
    book.do(click("bob"))

    *_, dispatched = book.do(ask("call_2", meta_keys=("b/known",)))

    assert isinstance(dispatched, ApprovalDispatched)


def platform(*approvers: str, groups: tuple[str, ...] = ("S0PLATFORM",)) -> object:
    team = Team("platform", "C0PLATFORM", approvers, groups)
    return replace(DIRECTORY, teams={**DIRECTORY.teams, "platform": team})


def test_a_voter_taken_off_the_list_voids_though_the_team_has_a_group() -> None:
    book = given().restarted(platform("cat", "dan"))

    assert voided(book, use()) == "team `platform` now has to give 1 approvals, of which 0 count"


def test_a_voter_found_in_the_group_still_counts_without_being_listed() -> None:
    book = Book()
    book.do(ask())
    zoe = "T0ACME/U0ZOE"
    book.do(click(zoe, evidence=evidence(zoe, groups=["S0PLATFORM"])))

    (event,) = book.restarted(platform("cat")).do(use())

    assert event.TOPIC == "ApprovalDispatched"


def test_a_voter_found_in_the_group_voids_where_nobody_knows_the_owners_slack_id_now() -> None:
    book = Book()
    book.do(ask())
    zoe = "T0ACME/U0ZOE"
    book.do(click(zoe, evidence=evidence(zoe, groups=["S0PLATFORM"])))
    people = {**DIRECTORY.people, "alice": Person("alice")}

    because = voided(book.restarted(replace(DIRECTORY, people=people)), use())

    assert because == "team `platform` now has to give 1 approvals, of which 0 count"


def test_a_voter_whose_group_was_taken_from_the_team_voids() -> None:
    book = Book()
    book.do(ask())
    zoe = "T0ACME/U0ZOE"
    book.do(click(zoe, evidence=evidence(zoe, groups=["S0PLATFORM"])))

    assert voided(book.restarted(platform("cat", groups=("S0OTHER",))), use())


def test_a_voter_who_became_the_agents_owner_does_not_count() -> None:
    bobs = replace(DIRECTORY.agents["ci-bot"], owner="bob")

    assert (
        voided(given(), use(agent=bobs))
        == "team `platform` now has to give 1 approvals, of which 0 count"
    )


def test_a_pending_question_that_asks_too_little_is_asked_anew() -> None:
    book = Book()
    book.do(ask())

    events = book.do(ask("call_2", assessment=assessed(terms=(Term("platform", 2),))))

    assert [event.TOPIC for event in events] == [
        "ApprovalVoided",
        "CallDecided",
        "ApprovalRequested",
    ]
    assert book.approval().reason == "the policy asks for other approvals now"
    assert book.approval("apr_2").status is ApprovalStatus.PENDING


@pytest.mark.parametrize(
    ("changes", "assessment", "because"),
    [
        ({}, {"reason_required": True}, "the policy asks for a reason now"),
        (
            {"agent": replace(DIRECTORY.agents["ci-bot"], owner="bob")},
            {},
            "the agent has another owner now",
        ),
    ],
)
def test_a_pending_question_is_asked_anew_where_its_terms_changed(
    changes: dict[str, object], assessment: dict[str, object], because: str
) -> None:
    book = Book()
    book.do(ask())

    book.do(ask("call_2", assessed(**assessment), **changes))

    assert book.approval().status is ApprovalStatus.VOIDED
    assert book.approval().reason == because


def test_a_call_assessed_with_another_policy_is_not_decided() -> None:
    book = Book()

    with pytest.raises(PolicyChanged):
        book.do(ask(assessment=assessed(Effect.ALLOW, policy_digest="00")))


def test_without_any_policy_no_call_is_decided() -> None:
    with pytest.raises(PolicyChanged):
        Book(prepared=False).do(ask(assessment=assessed(Effect.ALLOW)))


def test_a_call_assessed_with_an_older_definition_is_not_decided() -> None:
    book = Book()
    see(book, "bb" * 32)

    with pytest.raises(ToolChanged):
        book.do(ask(assessment=assessed(Effect.ALLOW)))


def test_a_call_of_a_tool_that_only_others_are_listed_is_denied_and_never_allowed() -> None:
    book = Book()

    (denied,) = book.do(ask(assessment=assessed(Effect.DENY), definition_hash=""))

    assert denied.effect == "deny"
    for effect in (Effect.ALLOW, Effect.REQUIRE_APPROVAL):
        with pytest.raises(ToolChanged):
            book.do(ask("call_2", assessed(effect), definition_hash=""))


def test_an_approved_call_is_not_used_with_a_policy_that_is_no_longer_in_force() -> None:
    book = given()
    activate(book, "6e" * 32)

    with pytest.raises(PolicyChanged):
        book.do(use())


def test_a_call_of_an_unknown_agent_is_refused() -> None:
    stranger = replace(DIRECTORY.agents["ci-bot"], name="nobody")

    with pytest.raises(Refused, match="`nobody` is not known or was revoked"):
        Book().do(ask(assessment=assessed(Effect.ALLOW), agent=stranger))
