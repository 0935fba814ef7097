"""Requests for grants: who may ask, who answers, and what comes of it; renewing a grant."""

from datetime import timedelta

import pytest
from acme import Book, after, ask, assessed, evidence, grant

from ledger.deciding.renewing import RenewGrant
from ledger.events.events import CallDecided
from ledger.events.grant_request_events import (
    GrantRequestAnswered,
    GrantRequested,
    GrantRequestExpired,
)
from ledger.events.standing_events import GrantIssued, GrantRefused, GrantRevoked
from ledger.lives.grant_requests import AnswerRequest, ExpireRequest, RequestGrant, RequestStatus
from ledger.lives.grants import GrantStatus
from policies.rules.decisions import Effect
from policies.values.refusals import Refused

HOUR = timedelta(hours=1)
NOW, SOON = after(0), after(9)


def wish(who: str = "alice", at=NOW, **changes) -> RequestGrant:
    known = {
        "id": f"wish-{who}-{at.timestamp()}",
        "actor": f"person:{who}",
        "request": "grq_1",
        "agent": "ci-bot",
        "target": "files/write_*",
        "lasting": HOUR,
        "uses": 3,
        "reason": "the archive is moved",
        "longest": 8 * HOUR,
        "evidence": evidence(who, at),
    }
    return RequestGrant(**{**known, **changes})


def reply(who: str = "bob", at=SOON, **changes) -> AnswerRequest:
    known = {
        "id": f"reply-{who}-{at.timestamp()}",
        "actor": f"person:{who}",
        "request": "grq_1",
        "grant": "grt_9",
        "longest": 8 * HOUR,
        "evidence": evidence(who, at),
    }
    return AnswerRequest(**{**known, **changes})


def renewal(who: str | None = "bob", at=SOON, **changes) -> RenewGrant:
    known = {
        "id": f"renew-{who}-{at.timestamp()}",
        "actor": f"person:{who}" if who else "shell:ops",
        "grant": "grt_1",
        "anew": "grt_2",
        "longest": 8 * HOUR,
        "evidence": evidence(who, at) if who else None,
    }
    return RenewGrant(**{**known, **changes})


def effect(events) -> Effect:
    return next(event.effect for event in events if isinstance(event, CallDecided))


def refused(events) -> GrantRefused:
    (event,) = events
    assert isinstance(event, GrantRefused)
    return event


def test_an_owner_asks_and_an_approver_of_the_owning_team_gives() -> None:
    book = Book()
    (asked,) = book.do(wish())
    assert isinstance(asked, GrantRequested)
    assert (asked.by, asked.teams, asked.lasting_seconds) == ("alice", ("platform",), 3600)
    assert effect(book.do(ask())) is Effect.REQUIRE_APPROVAL

    issued, answered = book.do(reply(), after(9))

    assert isinstance(issued, GrantIssued)
    assert (issued.by, issued.uses, issued.reason) == ("bob", 3, "the archive is moved")
    assert issued.until == after(9) + HOUR
    assert isinstance(answered, GrantRequestAnswered)
    assert effect(book.do(ask("call_2"), after(10))) is Effect.ALLOW


@pytest.mark.parametrize("who", ["bob", "cat", "eve", "T0ACME/U0OUT"])
def test_nobody_asks_for_an_agent_that_is_not_theirs(who) -> None:
    event = refused(Book().do(wish(who)))

    assert event.because == "not-the-owner"
    assert event.message == "agent `ci-bot` is not yours; its owner can ask, an approver can grant"


def test_the_person_an_agent_acts_for_asks_for_it() -> None:
    (event,) = Book().do(wish("bob", agent="helper"))

    assert isinstance(event, GrantRequested)


@pytest.mark.parametrize("fact", ["deleted", "bot", "guest", "stranger"])
def test_slack_has_to_vouch_for_who_asks(fact) -> None:
    assert refused(Book().do(wish(evidence=evidence("alice", **{fact: True}))))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lasting": 9 * HOUR}, "the policy allows grants of at most 8h; ask for less"),
        ({"target": "moon/x"}, "there is no server `moon` in the configuration"),
        ({"target": "files"}, "`files` names no tools"),
        ({"agent": "nobody"}, "there is no agent `nobody`"),
        ({"uses": 0}, "a grant has to be good for one use at least"),
        ({"when": "args."}, ""),
    ],
)
def test_what_could_not_be_given_is_not_asked_for_and_nothing_is_clamped(changes, message) -> None:
    event = refused(Book().do(wish(**changes)))

    assert event.because == "invalid"
    assert message in event.message


@pytest.mark.parametrize(
    ("who", "because"),
    [("alice", "own-request"), ("eve", "not-an-approver"), ("T0ACME/U0OUT", "not-an-approver")],
)
@pytest.mark.parametrize("given", ["grt_9", None])
def test_only_approvers_answer_and_never_the_owner(who, because, given) -> None:
    book = Book()
    book.do(wish())

    assert refused(book.do(reply(who, grant=given), after(9))).because == because
    known = book.state.request("grq_1")
    assert known is not None
    assert known.open


def test_a_no_gives_nothing_and_keeps_its_reason() -> None:
    book = Book()
    book.do(wish())

    (answered,) = book.do(reply(grant=None, reason="not this week"), after(9))

    assert isinstance(answered, GrantRequestAnswered)
    assert (answered.grant, answered.reason) == (None, "not this week")
    assert effect(book.do(ask(), after(10))) is Effect.REQUIRE_APPROVAL


def test_a_request_is_answered_once() -> None:
    book = Book()
    book.do(wish())
    book.do(reply(), after(9))

    with pytest.raises(Refused, match="request `grq_1` is given by `bob` already"):
        book.do(reply("cat", after(10), grant=None), after(10))


def test_a_cap_that_was_lowered_meanwhile_holds() -> None:
    book = Book()
    book.do(wish(lasting=4 * HOUR))

    event = refused(book.do(reply(longest=2 * HOUR), after(9)))

    assert event.message == "the policy allows grants of at most 2h; ask for less"


def test_a_request_expires_after_a_day() -> None:
    book = Book()
    book.do(wish())
    late = after(86_400)
    expire = ExpireRequest(id="expire", actor="placet:deadlines", request="grq_1")

    assert book.do(expire, after(86_399)) == []
    with pytest.raises(Refused, match="is expired already"):
        book.do(reply(at=late), late)
    (ended,) = book.do(expire, late)

    assert isinstance(ended, GrantRequestExpired)
    known = book.state.request("grq_1")
    assert known is not None
    assert known.status is RequestStatus.EXPIRED


def test_a_renewed_grant_lasts_as_long_again_and_replaces_the_old_one() -> None:
    book = Book()
    book.do(grant("bob", uses=2))
    book.do(ask())

    anew, ended = book.do(renewal("cat"), after(9))

    assert isinstance(anew, GrantIssued)
    assert (anew.by, anew.uses, anew.until) == ("cat", 2, after(9) + HOUR)
    assert anew.renews == "grt_1"
    assert isinstance(ended, GrantRevoked)
    assert ended.reason == "renewed as grt_2"


def test_a_grant_that_has_just_ended_can_be_renewed_and_a_revoked_one_not() -> None:
    book = Book()
    book.do(grant("bob", uses=1))
    book.do(ask(assessment=assessed()))
    known = book.state.grant("grt_1")
    assert known is not None
    assert known.status is GrantStatus.EXPIRED

    (anew,) = book.do(renewal(), after(9))

    assert isinstance(anew, GrantIssued)
    book.do(renewal(at=after(10), grant="grt_2", anew="grt_3"), after(10))
    with pytest.raises(Refused, match="grant `grt_2` was revoked"):
        book.do(renewal(at=after(11), grant="grt_2", anew="grt_4"), after(11))


@pytest.mark.parametrize(("who", "because"), [("alice", "own-request"), ("eve", "not-an-approver")])
def test_only_who_could_give_it_renews_a_grant(who, because) -> None:
    book = Book()
    book.do(grant("bob"))

    assert refused(book.do(renewal(who), after(9))).because == because
