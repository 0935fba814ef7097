"""Break-glass: who may approve alone, what it does not overrule, and who looks at it later."""

from dataclasses import replace

import pytest
from acme import (
    DIRECTORY,
    Book,
    after,
    ask,
    assessed,
    card,
    click,
    evidence,
    use,
)

from ledger.events.events import ApprovalDispatched, ApprovalGiven, ApprovalVoided
from ledger.events.glass_events import BreakGlassRefused, BreakGlassReviewed, BreakGlassUsed
from ledger.lives.approvals import ApprovalStatus
from ledger.lives.glasses import BreakGlass, SignOff
from policies.people.people import Directory
from policies.rules.decisions import Effect, Term
from policies.values.refusals import Refused


def with_breakers(*names: str, security: tuple[str, ...] = ("eve",)) -> Directory:
    teams = {
        "platform": replace(DIRECTORY.teams["platform"], break_glass=names),
        "security": replace(DIRECTORY.teams["security"], break_glass=security),
    }
    return replace(DIRECTORY, teams=teams)


GLASS = with_breakers("eve", "alice")
TWO = assessed(terms=(Term("platform", 2),))


SOON, LATER = after(1), after(9)


def broken(who: str = "eve", at=SOON, **changes) -> BreakGlass:
    known = {
        "id": f"glass-{who}-{at.timestamp()}",
        "actor": f"person:{who}",
        "approval": "apr_1",
        "reason": "the shop is down",
        "channel": "C0PLATFORM",
        "ts": "1763899200.000100",
        "revision": 1,
        "whole": True,
        "evidence": evidence(who, at),
    }
    return BreakGlass(**{**known, **changes})


def signed(who: str | None = "bob", at=LATER, **changes) -> SignOff:
    known = {
        "id": f"sign-{who}-{at.timestamp()}",
        "actor": f"person:{who}" if who else "shell:ops",
        "approval": "apr_1",
        "note": "it was right",
        "evidence": evidence(who, at) if who else None,
    }
    return SignOff(**{**known, **changes})


def asked(directory: Directory = GLASS, assessment=TWO) -> Book:
    book = Book(directory)
    book.do(ask(assessment=assessment))
    book.do(card())
    return book


def refusal(events) -> str:
    (event,) = events
    assert isinstance(event, BreakGlassRefused)
    return event.because


def test_whoever_may_break_the_glass_approves_alone_and_the_call_runs() -> None:
    book = asked()

    used, given = book.do(broken(), after(1))

    assert isinstance(used, BreakGlassUsed)
    assert (used.by, used.reason) == ("eve", "the shop is down")
    assert [(term.team, term.approvals) for term in used.missing] == [("platform", 2)]
    assert used.skipped == ("alice", "bob", "cat", "dan")
    assert isinstance(given, ApprovalGiven)
    assert given.broke_glass == "brk_1"
    (dispatched,) = book.do(use(assessment=TWO), after(2))
    assert isinstance(dispatched, ApprovalDispatched)


def test_votes_that_were_given_are_not_counted_as_left_out() -> None:
    book = asked()
    book.do(click("bob"))

    used, _ = book.do(broken(), after(1))

    assert [(term.team, term.approvals) for term in used.missing] == [("platform", 1)]
    assert used.skipped == ("alice", "cat", "dan")


@pytest.mark.parametrize(
    ("who", "because"),
    [("bob", "no-break-glass"), ("T0ACME/U0OUT", "no-break-glass"), ("alice", "own-request")],
)
def test_nobody_else_may_and_never_the_owner(who, because) -> None:
    book = asked()

    assert refusal(book.do(broken(who), after(1))) == because
    assert book.approval().status is ApprovalStatus.PENDING


def test_the_person_on_whose_behalf_the_agent_acts_may_not() -> None:
    book = Book(with_breakers("bob"))
    book.do(ask(assessment=assessed(agent="helper"), agent=DIRECTORY.agents["helper"]))

    assert refusal(book.do(broken("bob"), after(1))) == "own-request"


@pytest.mark.parametrize("fact", ["deleted", "bot", "guest", "stranger"])
def test_slack_has_to_vouch_for_who_breaks_the_glass(fact) -> None:
    book = asked()

    events = book.do(broken(evidence=evidence("eve", after(1), **{fact: True})), after(1))

    assert refusal(events) in {"deactivated", "bot", "guest", "stranger"}


def test_the_right_is_wanted_of_every_team_that_is_asked() -> None:
    both = assessed(terms=(Term("platform", 1), Term("security", 1)))
    book = asked(with_breakers("bob", security=("cat",)), both)

    (event,) = book.do(broken("bob"), after(1))

    assert isinstance(event, BreakGlassRefused)
    assert "no right to break the glass of `security`" in event.message


def test_a_denial_stands_whoever_breaks_the_glass() -> None:
    book = asked()
    book.do(click("bob", approves=False))

    assert refusal(book.do(broken(), after(1))) == "already-decided"
    assert book.approval().status is ApprovalStatus.DENIED


def test_what_has_expired_stays_expired() -> None:
    book = asked()

    events = book.do(broken(at=after(1800)), after(1800))

    assert [type(event).__name__ for event in events] == ["ApprovalExpired", "BreakGlassRefused"]


def test_a_denial_by_policy_of_later_voids_it() -> None:
    book = asked()
    book.do(broken(), after(1))

    (voided,) = book.do(use(assessment=assessed(Effect.DENY)), after(2))

    assert isinstance(voided, ApprovalVoided)


def test_it_does_not_outlive_the_right() -> None:
    book = asked()
    book.do(broken(), after(1))

    again = book.restarted(with_breakers("cat"))
    (voided,) = again.do(use(assessment=TWO), after(2))

    assert isinstance(voided, ApprovalVoided)
    assert voided.because == "`eve`, who broke the glass, has no right to any more"


def test_a_call_that_was_not_shown_in_full_has_to_be_read_first() -> None:
    book = asked()

    assert refusal(book.do(broken(whole=False), after(1))) == "unread"


def test_a_reason_is_wanted_and_kept_without_secrets() -> None:
    book = asked()

    assert refusal(book.do(broken(reason=" "), after(1))) == "reason-required"
    used, _ = book.do(broken(at=after(2), reason="key ghp_abcdefghijklmnopqrstuvwxyz0123456789"))
    assert "ghp_" not in used.reason


@pytest.mark.parametrize(
    ("who", "because"),
    [
        ("eve", "own-break-glass"),
        ("alice", "own-request"),
        ("T0ACME/U0OUT", "not-an-approver"),
        ("bob", ""),
        (None, ""),
    ],
)
def test_somebody_else_signs_it_off(who, because) -> None:
    book = asked()
    book.do(broken(), after(1))

    (event,) = book.do(signed(who), after(9))

    known = book.state.glass("brk_1")
    assert known is not None
    if because:
        assert isinstance(event, BreakGlassRefused)
        assert (event.because, event.signing, known.open) == (because, True, True)
    else:
        assert isinstance(event, BreakGlassReviewed)
        assert not known.open


@pytest.mark.parametrize(
    ("name", "because"), [("eve", "own-break-glass"), ("alice", "own-request"), ("bob", None)]
)
def test_at_the_shell_it_is_signed_off_by_somebody_else_too(name, because) -> None:
    user = "me"
    person = replace(GLASS.people[name], shell=user)
    book = asked(replace(GLASS, people={**GLASS.people, name: person}))
    book.do(broken(), after(1))

    events = book.do(signed(None, actor="shell:me"), after(9))

    if because is None:
        assert isinstance(events[0], BreakGlassReviewed)
    else:
        assert refusal(events) == because


def test_it_is_signed_off_once() -> None:
    book = asked()
    book.do(broken(), after(1))
    book.do(signed(), after(9))

    with pytest.raises(Refused, match="`apr_1` was signed off already by `bob`"):
        book.do(signed("cat"), after(10))


def test_there_is_nothing_to_sign_off_where_nobody_broke_the_glass() -> None:
    with pytest.raises(Refused, match="nobody broke the glass of `apr_1`"):
        asked().do(signed(), after(9))
