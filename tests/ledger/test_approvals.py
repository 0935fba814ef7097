"""The life of an approval, from its events."""

from dataclasses import replace
from datetime import timedelta

import pytest
from acme import NOON, Book, after, ask, assessed, card, click, use

from ledger.events.envelopes import Recorded
from ledger.events.events import ApprovalExpired, ApprovalRequested
from ledger.events.standing_events import ToolGone
from ledger.lives.approvals import Approval, ApprovalStatus, CorruptHistory, evolve
from ledger.lives.calls import CompleteCall, PresumeLost
from ledger.lives.deadlines_due import ExpireApproval
from ledger.lives.deliveries import RecordCopy, RecordRepaint, RecordUndeliverable
from policies.rules.decisions import Term
from policies.values.refusals import Refused

EXPIRE = ExpireApproval(id="expire:apr_1", actor="placet:sweep", approval="apr_1")


def asked(**assessment: object) -> Book:
    book = Book()
    book.do(ask(assessment=assessed(**assessment)))
    return book


def test_a_request_carries_all_that_the_approvers_are_bound_to() -> None:
    book = asked(terms=(Term("platform", 2),), reason_required=True)

    request = book.approval().request

    assert request.approval == "apr_1"
    assert request.call == "call_1"
    assert (request.agent, request.owner, request.on_behalf_of) == ("ci-bot", "alice", None)
    assert request.arguments == '{"content":"hello","path":"/etc/motd"}'
    assert request.digest == "k1:" + "d1" * 32
    assert request.definition_hash == "aa" * 32
    assert [(term.team, term.approvals) for term in request.terms] == [("platform", 2)]
    assert request.reason_required
    assert request.rules[0].pointer == "/rules/1"
    assert request.expires_at == NOON + timedelta(minutes=30)
    assert request.use_within_seconds == 900


def test_an_approval_begins_pending_with_the_call_that_asked() -> None:
    approval = asked().approval()

    assert approval.status is ApprovalStatus.PENDING
    assert approval.open
    assert approval.calls == ("call_1",)
    assert approval.deadline == NOON + timedelta(minutes=30)


def test_nothing_expires_before_its_time() -> None:
    book = asked()

    assert book.do(EXPIRE, after(1799.999)) == []
    assert book.approval().status is ApprovalStatus.PENDING


def test_a_pending_approval_expires_at_its_deadline_and_only_once() -> None:
    book = asked()

    first = book.do(EXPIRE, after(1800))
    second = book.do(EXPIRE, after(1800))

    assert [event.TOPIC for event in first] == ["ApprovalExpired"]
    assert second == []
    assert book.approval().status is ApprovalStatus.EXPIRED
    assert not book.approval().open


def test_an_expiry_is_not_a_denial() -> None:
    book = asked()
    book.do(EXPIRE, after(1800))

    approval = book.approval()

    assert approval.by == ()
    assert approval.decided_at is None
    assert approval.ended_at == after(1800)


def test_a_given_approval_lapses_when_it_is_not_used_in_time() -> None:
    book = asked()
    book.do(click("bob", after(60)), after(60))

    early = book.do(EXPIRE, after(60 + 899))
    late = book.do(EXPIRE, after(60 + 900))

    assert early == []
    assert [event.TOPIC for event in late] == ["ApprovalLapsed"]
    assert book.approval().status is ApprovalStatus.LAPSED


def test_the_expiry_of_the_question_does_not_end_a_given_approval() -> None:
    book = asked()
    book.do(click("bob", after(1790)), after(1790))

    assert book.do(EXPIRE, after(1800)) == []


def test_a_dispatched_approval_has_no_deadline() -> None:
    book = asked()
    book.do(click("bob"))
    book.do(use())

    assert book.approval().deadline is None
    assert book.do(EXPIRE, after(86_400)) == []
    assert book.approval().open


def test_an_outcome_ends_the_approval_with_duration_and_size() -> None:
    book = asked()
    book.do(click("bob"))
    book.do(use())

    book.do(completed(), after(2))

    approval = book.approval()
    assert approval.status is ApprovalStatus.COMPLETED
    assert (approval.outcome, approval.duration_ms, approval.size) == ("ok", 1500, 42)
    assert approval.dispatched_call == "call_1"
    assert approval.instance == "one"


def test_no_usable_answer_is_a_failure() -> None:
    book = asked()
    book.do(click("bob"))
    book.do(use())

    book.do(completed(outcome="failed", error="connection reset"))

    assert book.approval().status is ApprovalStatus.FAILED
    assert book.approval().error == "connection reset"


def completed(**changes: object) -> CompleteCall:
    known = {"outcome": "ok", "duration_ms": 1500, "size": 42, **changes}
    return CompleteCall(id="complete-call_1", actor="placet:gateway", call="call_1", **known)


def test_a_lost_process_leaves_the_outcome_unknown_and_a_late_answer_supersedes_it() -> None:
    book = asked()
    book.do(click("bob"))
    book.do(use())

    book.do(PresumeLost(id="lost-1", actor="placet:sweep", instances=("one",)), after(15))
    unknown = book.approval().status
    book.do(completed(), after(20))

    assert unknown is ApprovalStatus.OUTCOME_UNKNOWN
    assert book.approval().status is ApprovalStatus.COMPLETED


def test_a_card_is_known_by_channel_and_timestamp() -> None:
    book = asked()

    book.do(card())
    book.do(repaint(revision=2, sha256="c1" * 32))

    (known,) = book.approval().cards
    assert (known.team, known.channel, known.ts) == ("platform", "C0PLATFORM", "1763899200.000100")
    assert (known.revision, known.sha256) == (2, "c1" * 32)


def repaint(**changes: object) -> RecordRepaint:
    known = {
        "channel": "C0PLATFORM",
        "ts": "1763899200.000100",
        "blocks": "[]",
        **changes,
    }
    return RecordRepaint(id="repaint-1", actor="placet:courier", approval="apr_1", **known)


def test_a_card_that_was_found_counts_as_one_until_it_is_known_how_it_looks() -> None:
    book = asked()
    found = RecordCopy(
        id="copy-1",
        actor="placet:courier",
        approval="apr_1",
        team="platform",
        channel="C0PLATFORM",
        ts="1763899200.000100",
        revision=2,
    )

    first = book.do(found)
    again = book.do(replace(found, id="copy-2"))

    assert [event.TOPIC for event in first] == ["CardFound"]
    assert again == []
    (known,) = book.approval().cards
    assert (known.team, known.ts, known.sha256) == ("platform", "1763899200.000100", "")


def test_an_undeliverable_card_leaves_the_approval_pending_and_is_noted_once_per_error() -> None:
    book = asked()

    first = book.do(undeliverable("1", "channel_not_found"))
    again = book.do(undeliverable("2", "channel_not_found"))
    other = book.do(undeliverable("3", "is_archived"))

    assert [event.TOPIC for event in first] == ["CardUndeliverable"]
    assert again == []
    assert [event.TOPIC for event in other] == ["CardUndeliverable"]
    assert book.approval().status is ApprovalStatus.PENDING
    assert book.approval().undeliverable == {"platform": "is_archived"}


def test_a_card_that_arrives_after_all_clears_the_mark() -> None:
    book = asked()
    book.do(undeliverable("1", "channel_not_found"))

    book.do(card())

    assert book.approval().undeliverable == {}


def undeliverable(suffix: str, error: str) -> RecordUndeliverable:
    return RecordUndeliverable(
        id=f"undeliverable-{suffix}",
        actor="placet:courier",
        approval="apr_1",
        team="platform",
        channel="C0PLATFORM",
        error=error,
    )


def test_what_does_not_exist_cannot_be_voted_on() -> None:
    with pytest.raises(Refused, match="there is no approval `apr_9`"):
        Book().do(click("bob", approval="apr_9"))


def test_a_history_that_does_not_begin_with_a_request_is_corrupt() -> None:
    with pytest.raises(CorruptHistory):
        evolve(None, recorded(ApprovalExpired(approval="apr_1")))


def test_an_event_of_something_else_is_corrupt() -> None:
    approval = asked().approval()

    with pytest.raises(CorruptHistory):
        evolve(approval, recorded(ToolGone(server="files", tool="write_file", hash="aa")))


def test_a_second_request_in_one_stream_is_corrupt() -> None:
    book = asked()
    request = next(r.event for r in book.recorded if isinstance(r.event, ApprovalRequested))

    with pytest.raises(CorruptHistory):
        evolve(book.approval(), recorded(request))


def recorded(event: ApprovalExpired | ApprovalRequested | ToolGone) -> Recorded:
    return Recorded(
        position=99,
        stream="approval-apr_1",
        version=9,
        at=NOON,
        actor="placet:test",
        command_id="c",
        correlation_id="apr_1",
        causation_id="",
        event=event,
    )


def test_replay_never_runs_a_guard() -> None:
    book = asked()
    book.do(click("bob"))
    book.do(use())
    book.do(completed())
    live = book.approval()

    folded: Approval | None = None
    for known in book.recorded:
        if getattr(known.event, "approval", None) == "apr_1" and known.event.TOPIC != "CallDecided":
            folded = evolve(folded, known)

    assert folded == live
    assert Approval.model_validate_json(live.model_dump_json()) == live
