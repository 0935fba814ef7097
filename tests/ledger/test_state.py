"""What a process keeps in memory, and that a fresh one finds the same."""

from dataclasses import replace
from datetime import timedelta

import pytest
from acme import ADD_MOLE, DIRECTORY, NOON, Book, after, ask, assessed, card, click, grant, use
from pydantic_core import to_json

from ledger.deciding.deciding import decide
from ledger.deciding.state import State
from ledger.events.envelopes import Command, Draft
from ledger.events.events import CallDecided
from ledger.events.standing_events import GrantRefused
from ledger.lives.calls import CompleteCall
from ledger.lives.kinds import kind_of
from ledger.lives.policy_in_force import ActivatePolicy
from ledger.storage.projections import projected_row
from ledger.storage.tables import PROJECTIONS
from policies.rules.decisions import Effect


@pytest.mark.parametrize(
    ("stream", "kind", "name"),
    [
        ("approval-apr_1", "approval", "apr_1"),
        ("tool-files/write-file", "tool", "files/write-file"),
        ("policy", "policy", "policy"),
        ("refusal-x", "", "x"),
        ("elsewhere", "", ""),
    ],
)
def test_a_streams_name_says_which_model_it_keeps(stream: str, kind: str, name: str) -> None:
    assert kind_of(stream) == (kind, name)


def test_an_event_of_a_call_reaches_its_approval_too() -> None:
    book = Book()
    book.do(ask())
    book.do(click("bob"))
    book.do(use())

    book.do(
        CompleteCall(
            id="done", actor="placet:gateway", call="call_1", outcome="ok", duration_ms=1, size=2
        )
    )

    assert book.approval().outcome == "ok"
    assert book.approval().position == book.state.position


def test_ended_things_leave_memory_and_are_found_again() -> None:
    book = Book()
    book.do(ask())
    book.do(click("bob", approves=False))

    assert book.state._models["approval"] == {}
    assert book.state.approval("apr_1") is not None


def test_an_ended_approval_is_not_found_by_digest() -> None:
    book = Book()
    book.do(ask())
    book.do(click("bob", approves=False))

    assert book.state.approval_for(["k1:" + "d1" * 32]) is None


def test_an_open_approval_is_found_by_digest_after_a_restart() -> None:
    book = Book()
    book.do(ask())

    found = book.restarted().state.approval_for(["k2:new", "k1:" + "d1" * 32])

    assert found is not None
    assert found.id == "apr_1"


def test_an_approval_ended_elsewhere_is_dropped_when_it_is_restored() -> None:
    book = Book()
    book.do(ask())
    ended = book.restarted()
    ended.do(click("bob", approves=False))

    book.state.restore("approval", ended.approval())

    assert book.state.approval_for(["k1:" + "d1" * 32]) is None


def test_old_open_approvals_leave_memory_and_are_found_as_before() -> None:
    book = Book()
    book.state._at_hand = 2
    digests = [f"k1:{number:064}" for number in range(5)]
    for number, digest in enumerate(digests, 1):
        book.do(ask(f"call_{number}", digests=(digest,)))

    book.do(card(approval="apr_1"))
    book.do(click("bob", approval="apr_1"))
    book.do(click("bob", approval="apr_2", approves=False))

    assert len(book.state._models["approval"]) == 2
    found = [book.state.approval_for([digest]) for digest in digests]
    assert [each.id if each else None for each in found] == [
        "apr_1",
        None,
        "apr_3",
        "apr_4",
        "apr_5",
    ]
    assert book.approval("apr_1").version == 4
    known = [each.id for each in book.state.open_approvals("ci-bot")]
    assert known == ["apr_1", "apr_3", "apr_4", "apr_5"]


def test_of_many_open_approvals_few_come_into_memory_at_a_restart() -> None:
    book = Book()
    for number in range(1, 8):
        book.do(ask(f"call_{number}", digests=(f"k1:{number:064}",)))
    state = State(book.state.directory, book._fetch, at_hand=2)

    for kind, name in book._kept:
        state.restore(kind, book._fetch(kind, name))

    assert 2 <= len(state._models["approval"]) <= 4
    assert len(state.open_approvals("ci-bot")) == 7
    assert state.approval_for([f"k1:{1:064}"]) == book.approval("apr_1")


def test_an_event_is_folded_once_however_often_it_is_applied() -> None:
    book = Book()
    book.do(grant())
    book.do(ask(assessment=assessed()), after(1))

    for recorded in book.recorded:
        book.state.apply(recorded)

    known = book.state.grant("grt_1")
    assert known is not None
    assert known.used == 1


def test_a_refusal_changes_no_model() -> None:
    book = Book()

    (event,) = book.do(grant("eve"))

    assert isinstance(event, GrantRefused)
    assert book.state.live_grants("ci-bot") == []
    assert book.recorded[-1].stream == f"refusal-issue-eve-{NOON.timestamp()}"


def test_versions_count_on_after_a_restart() -> None:
    book = Book()
    book.do(ask())
    again = book.restarted()

    again.do(card())
    again.do(click("bob"))

    versions = [r.version for r in again.recorded if r.stream == "approval-apr_1"]
    assert versions == [1, 2, 3, 4]


def test_a_stream_of_no_model_begins_at_one() -> None:
    draft = Draft(
        "refusal-1",
        GrantRefused(person="eve", agent="x", target="y/z", because="invalid", message="no"),
    )

    assert Book().state.next_version(draft) == 1


def test_a_new_call_costs_no_read() -> None:
    reads: list[tuple[str, str]] = []

    def fetch(kind: str, name: str) -> None:
        reads.append((kind, name))

    state = State(DIRECTORY, fetch)
    for recorded in Book().recorded:
        state.apply(recorded)
    state.settle_down()

    for draft in decide(ask(assessment=assessed(Effect.ALLOW)), state, NOON):
        state.next_version(draft)

    assert reads == []


def test_time_never_goes_back() -> None:
    book = Book()
    book.do(ask())

    book.do(ask("call_2"), NOON - timedelta(days=1))

    assert book.state.at == NOON


def test_the_policy_in_force_is_the_newest() -> None:
    book = Book()
    newer = ActivatePolicy(
        id="policy-2", actor="placet:policy", digest="6e" * 32, text="version: 1\n", source="p.yaml"
    )

    first = book.do(newer, after(5))
    again = book.do(replace(newer, id="policy-3"), after(6))

    known = book.state.policy()
    assert [event.TOPIC for event in first] == ["PolicyActivated"]
    assert again == []
    assert known is not None
    assert (known.digest, known.text, known.since) == ("6e" * 32, "version: 1\n", after(5))


def test_an_unknown_command_is_a_bug() -> None:
    with pytest.raises(TypeError, match="no such command"):
        Book().do(Command(id="x", actor="placet:test"))


def test_every_model_is_kept_byte_for_byte_as_it_always_was() -> None:
    book = Book()
    book.do(ADD_MOLE)
    book.do(grant("cat", target="files/read_*"))
    book.do(ask())
    book.do(ask("call_2", assessed(Effect.ALLOW)))

    for kind, models in book.state._models.items():
        for model in models.values():
            row = projected_row(model)
            named = dict(zip(PROJECTIONS[kind].columns.keys(), row, strict=True))
            assert [*named][4:] == [*model.columns()]
            assert named == {
                "id": model.id,
                "open": int(model.open),
                "position": model.position,
                "state": to_json(model).decode(),
                **model.columns(),
            }


def test_every_model_comes_back_from_its_json_as_it_was() -> None:
    book = Book()
    book.do(ADD_MOLE)
    book.do(grant("cat", target="files/read_*"))
    book.do(ask())
    book.do(card())
    book.do(click("bob"))
    decided = next(r.event for r in book.recorded if isinstance(r.event, CallDecided))

    for models in book.state._models.values():
        for model in models.values():
            assert type(model).model_validate_json(model.model_dump_json()) == model
    assert CallDecided.model_validate_json(decided.model_dump_json()) == decided
