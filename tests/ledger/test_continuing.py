"""An approved call goes on with what its server asked for: once for each question, if still fit."""

from dataclasses import replace

import pytest
from acme import DIRECTORY, Book, ask, assessed, card, click, completed, facts

from ledger.deciding.claims import AlreadyUsed, PolicyChanged, ToolChanged
from ledger.deciding.continuing import ContinueCall, Unfit
from ledger.deciding.rulings import Denied, Dispatched, ruling
from ledger.events.events import ApprovalVoided, CallContinued, CallDecided
from ledger.lives.calls import PresumeLost
from policies.people.people import Team
from policies.rules.decisions import Effect, Term
from policies.values.refusals import Refused


def goes_on(call="call_2", state="s1", assessment=None, **changes):
    known = facts(call, **changes)
    return ContinueCall(
        id=f"continue-{call}",
        actor="agent:ci-bot",
        approval="apr_1",
        state=state,
        round=1,
        facts=known,
        assessment=assessment or assessed(),
        answers='{"name":"x"}',
        hidden=0,
    )


@pytest.fixture
def book():
    """Give a ledger in which a call was approved and ran."""
    book = Book()
    book.do(ask("call_1"))
    book.do(card())
    book.do(click("bob"))
    book.do(ask("call_1b"))
    book.do(completed("call_1b"))
    return book


def test_a_further_round_is_a_decision_of_its_own_that_names_the_approval(book):
    decided, continued = book.do(goes_on())

    assert isinstance(decided, CallDecided)
    assert (decided.call, decided.approval) == ("call_2", "apr_1")
    assert decided.effect is Effect.REQUIRE_APPROVAL
    assert continued == CallContinued(
        call="call_2",
        approval="apr_1",
        state="s1",
        round=1,
        instance="one",
        policy_digest="5f" * 32,
        answers='{"name":"x"}',
    )
    assert ruling(book.recorded[-2:]) == Dispatched("apr_1")
    assert book.state.call("call_2").status == "running"
    assert book.approval().status == "dispatched"


def test_the_approval_ends_as_its_last_round_did(book):
    book.do(goes_on())
    book.do(completed("call_2"))

    assert book.approval().status == "completed"
    assert book.approval().dispatched_call == "call_1b"
    assert book.state.call("call_2").status == "completed"


def test_a_round_whose_process_is_lost_has_an_unknown_outcome(book):
    book.do(goes_on())
    book.do(PresumeLost(id="lost-1", actor="placet:leases", instances=("one",)))

    assert book.approval().status == "outcome unknown"


@pytest.mark.parametrize("restarted", [False, True])
def test_what_the_server_asked_is_answered_once(book, restarted):
    book.do(goes_on())
    book.do(completed("call_2"))
    book = book.restarted() if restarted else book

    with pytest.raises(AlreadyUsed, match="answered before"):
        book.do(goes_on("call_3"))

    assert [e.TOPIC for e in book.do(goes_on("call_4", "s2"))] == ["CallDecided", "CallContinued"]


def test_an_approval_that_was_not_used_goes_nowhere():
    book = Book()
    book.do(ask("call_1"))
    book.do(card())
    book.do(click("bob"))

    with pytest.raises(Refused, match="was not used"):
        book.do(goes_on())


def test_a_policy_that_denies_now_denies_the_round(book):
    denied = assessed(Effect.DENY)

    (event,) = book.do(goes_on(assessment=denied))

    assert isinstance(ruling(book.recorded[-1:]), Denied)
    assert event.effect is Effect.DENY
    assert book.state.call("call_2").status == "denied"


def test_a_denied_round_voids_what_is_asked_for_the_same_call_meanwhile(book):
    book.do(ask("call_5"))

    events = book.do(goes_on(assessment=assessed(Effect.DENY)))

    assert isinstance(events[-1], ApprovalVoided)
    assert events[-1].approval == "apr_5"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"digests": ("k1:other",)}, "not the one that was approved"),
        ({"assessment": assessed(terms=(Term("platform", 2),))}, "2 approvals, of which 1"),
        ({"assessment": assessed(terms=(Term("security", 1),))}, "team `security`"),
        ({"assessment": assessed(reason_required=True)}, "asks for a reason"),
    ],
)
def test_terms_that_are_not_met_any_more_end_it(book, changes, why):
    with pytest.raises(Unfit, match=why):
        book.do(goes_on(**changes))


def test_a_voter_who_is_no_approver_any_more_ends_it(book):
    team = Team("platform", "C0PLATFORM", ("cat",))
    smaller = replace(DIRECTORY, teams={**DIRECTORY.teams, "platform": team})

    with pytest.raises(Unfit, match="0 count"):
        book.restarted(smaller).do(goes_on())


def test_a_tool_or_a_policy_that_changed_is_looked_at_again_first(book):
    with pytest.raises(ToolChanged):
        book.do(goes_on(definition_hash="bb" * 32))
    with pytest.raises(PolicyChanged):
        book.do(goes_on(assessment=assessed(policy_digest="00" * 32)))


def test_a_call_that_policy_allows_by_now_goes_on_under_its_approval(book):
    decided, continued = book.do(goes_on(assessment=assessed(Effect.ALLOW)))

    assert (decided.effect, continued.approval) == (Effect.ALLOW, "apr_1")
    assert book.state.call("call_2").status == "running"


def test_what_is_only_observed_is_not_blocked(book):
    events = book.do(goes_on(assessment=assessed(Effect.DENY), observed=True))

    assert [event.TOPIC for event in events] == ["CallDecided", "CallContinued"]
    assert book.state.call("call_2").status == "running"


def test_a_command_that_is_sent_again_runs_nothing_twice(book):
    book.do(goes_on())

    with pytest.raises(Refused, match="was decided and runs"):
        book.do(goes_on())
