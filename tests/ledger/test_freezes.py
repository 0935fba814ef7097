"""Freezes in the ledger: who may begin and lift them, and what they stop under the head row."""

from dataclasses import replace
from datetime import timedelta

import pytest
from acme import (
    DIRECTORY,
    NOON,
    Book,
    after,
    ask,
    assessed,
    click,
    evidence,
    grant,
    use,
)

from ledger.deciding.claims import FrozenNow
from ledger.events.events import ApprovalDispatched, CallDecided
from ledger.events.freeze_events import FreezeBegun, FreezeEnded, FreezeRefused
from ledger.lives.approvals import ApprovalStatus
from ledger.lives.freezes import BeginFreeze, EndFreeze, ExpireFreeze
from policies.deciding.freezes import Frozen
from policies.people.people import Directory
from policies.rules.decisions import Effect
from policies.values.refusals import Refused

AGENT = (Frozen.AGENT, "ci-bot")
SERVER = (Frozen.SERVER, "files")
EVERYTHING = (Frozen.EVERYTHING, "")


def freeze(who: str | None = "cat", what=AGENT, at=NOON, **changes) -> BeginFreeze:
    over, name = what
    given = changes.pop("evidence", None) or (None if who is None else evidence(who, at))
    known = {
        "id": f"freeze-{who}-{name}-{at.timestamp()}",
        "actor": "shell:ops" if who is None else f"person:{who}",
        "freeze": "frz_1",
        "reason": "it deletes",
    }
    return BeginFreeze(over=over, name=name, evidence=given, **{**known, **changes})


def lift(who: str | None = "bob", at=NOON, **changes) -> EndFreeze:
    given = changes.pop("evidence", None) or (None if who is None else evidence(who, at))
    actor = "shell:root" if who is None else f"person:{who}"
    known = {"id": f"lift-{who}-{at.timestamp()}", "actor": actor, "freeze": "frz_1"}
    return EndFreeze(evidence=given, **{**known, **changes})


def effect(events) -> Effect:
    return next(event.effect for event in events if isinstance(event, CallDecided))


@pytest.mark.parametrize("what", [AGENT, SERVER, EVERYTHING])
def test_a_call_that_is_decided_after_a_freeze_is_denied_by_name_and_time(what) -> None:
    book = Book()
    book.do(freeze(what=what))

    (decided,) = book.do(ask(assessment=assessed(Effect.ALLOW)), after(1))

    assert decided.effect is Effect.DENY
    assert decided.rules[0].rule == "frozen"
    assert "was frozen by `cat` at 2026-11-23 12:00:00 UTC" in decided.rules[0].because
    assert "it deletes" not in decided.model_dump_json()


def test_a_server_that_only_observes_is_stopped_too() -> None:
    book = Book()
    book.do(freeze())

    (decided,) = book.do(ask(assessment=assessed(Effect.ALLOW), observed=True))

    assert decided.effect is Effect.DENY
    assert not decided.observed


def test_other_agents_go_on() -> None:
    book = Book()
    book.do(freeze(what=(Frozen.AGENT, "helper")))

    assert effect(book.do(ask(assessment=assessed(Effect.ALLOW)))) is Effect.ALLOW


def test_what_was_approved_does_not_run_while_frozen_and_runs_when_it_is_lifted() -> None:
    book = Book()
    book.do(ask())
    book.do(click("bob"))
    book.do(freeze())

    with pytest.raises(FrozenNow, match="was frozen by `cat`"):
        book.do(use())
    denied = book.do(ask("call_2"))
    book.do(lift("bob", after(9)), after(9))
    (dispatched,) = book.do(use(), after(10))

    assert effect(denied) is Effect.DENY
    assert book.approval().status is ApprovalStatus.DISPATCHED
    assert isinstance(dispatched, ApprovalDispatched)


def test_a_pending_approval_stays_pending_while_frozen() -> None:
    book = Book()
    book.do(ask())
    book.do(freeze())

    book.do(ask("call_2"))

    assert book.approval().status is ApprovalStatus.PENDING


def test_a_grant_is_neither_used_nor_used_up_while_frozen() -> None:
    book = Book()
    book.do(grant("bob", uses=1))
    book.do(freeze())

    assert effect(book.do(ask())) is Effect.DENY

    known = book.state.grant("grt_1")
    assert known is not None
    assert (known.open, known.used) == (True, 0)


@pytest.mark.parametrize(
    ("who", "what", "because"),
    [
        ("eve", AGENT, ""),
        ("alice", AGENT, ""),
        (None, AGENT, ""),
        ("eve", SERVER, "not-an-approver"),
        ("alice", SERVER, ""),
        ("eve", EVERYTHING, ""),
        ("T0ACME/U0OUT", EVERYTHING, "not-an-approver"),
        ("T0ACME/U0OUT", AGENT, "not-an-approver"),
    ],
)
def test_who_may_freeze(who, what, because) -> None:
    (event,) = Book().do(freeze(who, what))

    if because:
        assert isinstance(event, FreezeRefused)
        assert event.because == because
    else:
        assert isinstance(event, FreezeBegun)


@pytest.mark.parametrize("fact", ["deleted", "bot", "guest", "stranger", "undetermined"])
def test_nobody_freezes_whom_slack_does_not_vouch_for(fact) -> None:
    given = evidence("cat", **{fact: "Slack is away" if fact == "undetermined" else True})

    (event,) = Book().do(freeze("cat", evidence=given))

    assert isinstance(event, FreezeRefused)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ((Frozen.AGENT, "nobody"), "there is no agent `nobody`"),
        ((Frozen.SERVER, "moon"), "there is no server `moon`; the servers are `files`, `vault`"),
    ],
)
def test_what_does_not_exist_cannot_be_frozen(what, message) -> None:
    (event,) = Book().do(freeze(None, what))

    assert isinstance(event, FreezeRefused)
    assert message in event.message


@pytest.mark.parametrize(
    ("who", "what", "because"),
    [
        ("cat", AGENT, "own-freeze"),
        ("alice", AGENT, "own-request"),
        ("alice", SERVER, ""),
        ("eve", SERVER, "not-an-approver"),
        ("eve", EVERYTHING, ""),
        ("bob", AGENT, ""),
        (None, AGENT, ""),
    ],
)
def test_a_second_person_who_may_decide_there_lifts_a_freeze(who, what, because) -> None:
    book = Book()
    book.do(freeze(what=what))

    (event,) = book.do(lift(who))

    if because:
        assert isinstance(event, FreezeRefused)
        assert (event.because, event.freeze) == (because, "frz_1")
    else:
        assert isinstance(event, FreezeEnded)
        assert effect(book.do(ask(assessment=assessed(Effect.ALLOW)))) is Effect.ALLOW


def test_an_operator_does_not_lift_the_freeze_of_the_same_operator() -> None:
    book = Book()
    book.do(freeze(None))

    (own,) = book.do(lift(None, actor="shell:ops"))
    (other,) = book.do(lift(None, after(1), actor="shell:root"), after(1))

    assert isinstance(own, FreezeRefused)
    assert own.message == "you froze agent `ci-bot` yourself: a second person has to lift it"
    assert isinstance(other, FreezeEnded)


def bound(name: str, user: str) -> Directory:
    """Return acme with a person who is known at the shell."""
    person = replace(DIRECTORY.people[name], shell=user)
    return replace(DIRECTORY, people={**DIRECTORY.people, name: person})


def test_a_person_is_no_second_one_at_the_shell() -> None:
    book = Book(bound("bob", "robert"))
    book.do(freeze("bob"))

    (own,) = book.do(lift(None, actor="shell:robert"))
    (other,) = book.do(lift(None, after(1), actor="shell:root"), after(1))

    assert isinstance(own, FreezeRefused)
    assert (own.because, own.person) == ("own-freeze", "shell:robert")
    assert isinstance(other, FreezeEnded)


def test_a_person_is_no_second_one_in_slack() -> None:
    book = Book(bound("bob", "robert"))
    book.do(freeze(None, actor="shell:robert"))

    (own,) = book.do(lift("bob"))

    assert isinstance(own, FreezeRefused)
    assert own.because == "own-freeze"


def test_an_owner_who_is_known_at_the_shell_does_not_lift_the_freeze_of_their_agent() -> None:
    book = Book(bound("alice", "al"))
    book.do(freeze("bob"))

    (own,) = book.do(lift(None, actor="shell:al"))

    assert isinstance(own, FreezeRefused)
    assert own.because == "own-request"


def test_whoever_is_known_by_another_name_now_does_not_lift_their_own_freeze() -> None:
    book = Book()
    book.do(freeze("T0ACME/U0MEMBER", evidence=member()))

    (event,) = book.do(lift("T0ACME/U0MEMBER", evidence=member(slack="E0ORG/U0MEMBER")))

    assert isinstance(event, FreezeRefused)
    assert event.because == "own-freeze"


def member(**changes):
    given = evidence("T0ACME/U0MEMBER", groups=["S0PLATFORM"])
    return given.model_copy(update=changes)


def test_a_freeze_with_an_end_ends_by_itself_and_is_not_lifted_twice() -> None:
    book = Book()
    book.do(freeze(lasting=timedelta(seconds=60)))
    expire = ExpireFreeze(id="expire", actor="placet:deadlines", freeze="frz_1")

    assert book.do(expire, after(59)) == []
    with pytest.raises(Refused, match="has ended already"):
        book.do(lift("bob", after(60)), after(60))
    (ended,) = book.do(expire, after(60))

    assert isinstance(ended, FreezeEnded)
    assert ended.by is None
    assert effect(book.do(ask(assessment=assessed(Effect.ALLOW)), after(61))) is Effect.ALLOW


def test_a_freeze_holds_after_its_time_only_until_it_was_reached_even_without_a_timer() -> None:
    book = Book()
    book.do(freeze(lasting=timedelta(seconds=60)))

    assert effect(book.do(ask(assessment=assessed(Effect.ALLOW)), after(60))) is Effect.ALLOW


def test_a_freeze_survives_a_restart() -> None:
    book = Book()
    book.do(freeze())

    again = book.restarted()

    assert effect(again.do(ask(assessment=assessed(Effect.ALLOW)), after(1))) is Effect.DENY


def test_the_reason_of_a_freeze_is_kept_without_secrets() -> None:
    (event,) = Book().do(freeze(reason="leaked ghp_abcdefghijklmnopqrstuvwxyz0123456789"))

    assert isinstance(event, FreezeBegun)
    assert event.reason is not None
    assert "ghp_" not in event.reason
