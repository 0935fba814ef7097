"""A yes with a grant: one command, never broader than the policy, and bound as it says."""

from datetime import timedelta

import pytest
from acme import Book, after, ask, assessed, card, click, evidence

from ledger.deciding.claims import TermsUnread
from ledger.events.standing_events import GrantIssued
from ledger.lives.approvals import ApprovalStatus
from ledger.lives.lasting import Lasting, ThisCall, ThisTool, ThisToolWhere
from policies.people.people import Agent
from policies.rules.decisions import Effect, GrantAnswer, GrantTerms, Term

HOUR = timedelta(hours=1)
FOR_THE_TOOL = Lasting("grt_9", ThisTool(), HOUR, 8 * HOUR)
FOR_THE_CALL = Lasting("grt_9", ThisCall(), HOUR, 8 * HOUR)
OTHER = {"digests": ("k1:" + "e2" * 32,), "arguments": '{"path":"/etc/shadow"}'}


def asked(book: Book | None = None, **assessment) -> Book:
    book = book or Book()
    book.do(ask(assessment=assessed(**assessment)))
    book.do(card())
    return book


def effect(book: Book, call: str, at: float = 60, **facts) -> Effect:
    (decided, *_) = book.do(ask(call, **facts), after(at))
    return decided.effect


def test_one_command_approves_the_call_and_gives_the_grant() -> None:
    book = asked()

    events = book.do(click("bob", lasting=FOR_THE_TOOL, reason="migration"))

    assert [event.TOPIC for event in events] == ["VoteCast", "ApprovalGiven", "GrantIssued"]
    assert book.approval().status is ApprovalStatus.APPROVED
    assert book.approval().granted.grant == "grt_9"
    grant = book.state.grant("grt_9")
    assert (grant.agent, grant.target, grant.until) == ("ci-bot", "files/write_file", after(3600))
    assert (grant.by, grant.teams, grant.reason) == ("bob", ("platform",), "migration")
    assert grant.given_with == "apr_1"


def test_a_grant_for_the_tool_lifts_its_calls_whatever_the_arguments() -> None:
    book = asked()
    book.do(click("bob", lasting=FOR_THE_TOOL))

    assert effect(book, "call_2", **OTHER) is Effect.ALLOW
    assert effect(book, "call_3", at=3600, **OTHER) is Effect.REQUIRE_APPROVAL


def test_a_grant_for_exactly_these_arguments_lifts_no_other_call() -> None:
    book = asked()
    book.do(click("bob", lasting=FOR_THE_CALL))

    assert effect(book, "call_2") is Effect.ALLOW
    assert effect(book, "call_3", **OTHER) is Effect.REQUIRE_APPROVAL


def test_exactly_these_arguments_are_known_under_an_older_key_too() -> None:
    book = asked()
    book.do(click("bob", lasting=FOR_THE_CALL))

    digests = ("k2:" + "ff" * 32, "k1:" + "d1" * 32)

    assert effect(book, "call_2", digests=digests) is Effect.ALLOW


def test_a_grant_with_a_condition_waits_until_somebody_looked_whether_it_is_met() -> None:
    book = asked()
    when = 'args.path == "/etc/motd"'
    book.do(click("bob", lasting=Lasting("grt_9", ThisToolWhere(when), HOUR, 8 * HOUR)))

    with pytest.raises(TermsUnread):
        book.do(ask("call_2", **OTHER), after(60))
    met, unmet = GrantAnswer(None), GrantAnswer("its condition does not hold")
    for call, answer, expected in (
        ("call_2", met, Effect.ALLOW),
        ("call_3", unmet, Effect.REQUIRE_APPROVAL),
    ):
        answers = ((GrantTerms(when, None), answer),)
        (decided, *_) = book.do(ask(call, assessed(answers=answers), **OTHER), after(60))
        assert decided.effect is expected


def test_another_tool_of_the_server_is_not_in_it() -> None:
    book = asked()
    book.do(click("bob", lasting=FOR_THE_TOOL))

    facts = {"tool": "write_all", "definition_hash": "", **OTHER}
    (decided, *_) = book.do(ask("call_2", assessed(tool="write_all"), **facts), after(60))

    assert decided.effect is Effect.REQUIRE_APPROVAL


def test_whoever_gave_it_lifts_nothing_for_an_agent_that_acts_for_them() -> None:
    book = asked()
    book.do(click("bob", lasting=FOR_THE_TOOL))

    for_bob = Agent("ci-bot", "platform", "alice", on_behalf_of="bob")

    assert effect(book, "call_2", agent=for_bob, **OTHER) is Effect.REQUIRE_APPROVAL


@pytest.mark.parametrize(
    ("assessment", "wanted", "because", "message"),
    [
        ({"grantable": False}, FOR_THE_TOOL, "not-grantable", "the policy lets no grant lift"),
        (
            {"terms": (Term("platform", 2),)},
            FOR_THE_TOOL,
            "needs-others",
            "such calls need 2 people of `platform`",
        ),
        (
            {"terms": (Term("platform", 1), Term("security", 1))},
            FOR_THE_CALL,
            "needs-others",
            "such calls need a yes of `security`",
        ),
        (
            {},
            Lasting("grt_9", ThisTool(), 9 * HOUR, 8 * HOUR),
            "too-long",
            "the policy allows grants of at most 8h",
        ),
        (
            {},
            Lasting("grt_9", ThisToolWhere("agrs.path"), HOUR, 8 * HOUR),
            "invalid",
            "there is no `agrs`",
        ),
        ({}, Lasting("grt_9", ThisCall(), 0 * HOUR, 8 * HOUR), "invalid", "longer than nothing"),
    ],
)
def test_a_grant_that_may_not_be_or_lifts_nothing_is_refused_and_the_yes_with_it(
    assessment, wanted, because, message
) -> None:
    book = asked(**assessment)

    (refused,) = book.do(click("bob", lasting=wanted))

    assert (refused.TOPIC, refused.because) == ("VoteRefused", because)
    assert message in refused.message
    assert book.approval().status is ApprovalStatus.PENDING
    assert book.state.grant("grt_9") is None


def test_a_name_that_a_grant_would_read_as_a_pattern_is_never_granted() -> None:
    book = Book()
    book.do(ask(assessment=assessed(tool="*"), tool="*", definition_hash=""))
    book.do(card())

    (refused,) = book.do(click("bob", lasting=FOR_THE_TOOL))

    assert refused.because == "not-grantable"
    assert "read as a pattern" in refused.message


@pytest.mark.parametrize("name", ["alice", "eve", "T0ACME/U0OUT"])
def test_who_may_not_decide_gives_no_grant_either(name) -> None:
    book = asked()

    (refused,) = book.do(click(name, lasting=FOR_THE_TOOL))

    assert refused.TOPIC == "VoteRefused"
    assert book.state.grant("grt_9") is None


def test_a_membership_that_was_read_a_while_ago_gives_no_grant() -> None:
    book = asked()
    known = evidence("T0ACME/U0MEMBER", after(300), groups=["S0PLATFORM"])
    earlier = [each.model_copy(update={"fetched_at": after(0)}) for each in known.memberships]
    stale = known.model_copy(update={"memberships": tuple(earlier)})

    (refused,) = book.do(
        click("T0ACME/U0MEMBER", after(300), evidence=stale, lasting=FOR_THE_TOOL), after(300)
    )
    *_, given = book.do(click("T0ACME/U0MEMBER", after(301), evidence=stale), after(301))

    assert refused.because == "not-an-approver"
    assert given.TOPIC == "ApprovalGiven"


def test_an_approver_of_both_teams_gives_it_for_both() -> None:
    book = asked(terms=(Term("platform", 1), Term("security", 1)))

    *_, issued = book.do(click("cat", lasting=FOR_THE_TOOL))

    assert isinstance(issued, GrantIssued)
    assert issued.teams == ("platform", "security")
    both = assessed(terms=(Term("platform", 1), Term("security", 1)))
    (decided, *_) = book.do(ask("call_2", both, **OTHER), after(60))
    assert decided.effect is Effect.ALLOW


def test_a_grant_never_outlives_what_the_policy_forbids_later() -> None:
    book = asked()
    book.do(click("bob", lasting=FOR_THE_TOOL))

    (decided, *_) = book.do(ask("call_2", assessed(grantable=False), **OTHER), after(60))

    assert decided.effect is Effect.REQUIRE_APPROVAL


def test_after_a_restart_the_binding_is_still_known() -> None:
    book = asked()
    book.do(click("bob", lasting=FOR_THE_CALL))
    book = book.restarted()

    assert effect(book, "call_2") is Effect.ALLOW
    assert effect(book, "call_3", **OTHER) is Effect.REQUIRE_APPROVAL
