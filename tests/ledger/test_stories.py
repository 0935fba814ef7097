"""What an auditor reads: the whole story of one call, in order, and nothing that misleads."""

import json
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

import pytest
from acme import Book, after, ask, assessed, card, click, evidence, facts, grant, use
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.audit.details import arguments
from ledger.audit.stories import Story, told, told_as_json
from ledger.events.card_events import VoteCast
from ledger.events.catalogue import EVENTS
from ledger.events.envelopes import Recorded
from ledger.events.events import CallCompleted
from ledger.events.standing_events import PolicyActivated, ToolSeen
from ledger.lives.calls import CompleteCall, PresumeLost
from ledger.words.sentences import _SENTENCES, sentence
from policies.rules.decisions import Effect, Spoke, Term
from policies.values.inert import inert

BLOCKS = '[{"text":"may ci-bot write?","type":"section"}]'
PAINTED = card(blocks=BLOCKS, sha256=sha256(BLOCKS.encode()).hexdigest())


def story(book: Book, name: str, kind: str = "approval", *, cards: bool = False) -> Story:
    subject = book.state._find(kind, name)
    assert subject is not None
    return Story(
        subject=subject,
        events=[r for r in book.recorded if not isinstance(r.event, PolicyActivated | ToolSeen)],
        policies=[r for r in book.recorded if isinstance(r.event, PolicyActivated)],
        tools=[r for r in book.recorded if isinstance(r.event, ToolSeen)],
        cards=cards,
    )


def lines(book: Book, name: str = "apr_1", kind: str = "approval", **changes: bool) -> list[str]:
    return list(told(story(book, name, kind, **changes)))


def row(told_lines: Sequence[str], label: str) -> str:
    (found,) = [line for line in told_lines if line.startswith(f"    {label:<17}")]
    return found.removeprefix(f"    {label:<17}")


def approved() -> Book:
    book = Book()
    book.do(ask(hidden=2))
    book.do(PAINTED)
    book.do(click("alice", after(3)), after(4))
    book.do(click("bob", after(5), reason="INC-7"), after(6))
    book.do(use(), after(7))
    book.do(
        CompleteCall(
            id="done",
            actor="placet:gateway",
            call="call_1",
            outcome="ok",
            duration_ms=1500,
            size=42,
        ),
        after(9),
    )
    return book


def test_an_approved_call_is_told_in_order_from_the_question_to_the_outcome() -> None:
    found = lines(approved())

    titles = [line for line in found if line.startswith("#")]
    assert titles == [
        "#3  2026-11-23T12:00:00.000000Z  CallDecided  by agent:ci-bot",
        "#4  2026-11-23T12:00:00.000000Z  ApprovalRequested  by agent:ci-bot",
        "#5  2026-11-23T12:00:00.000000Z  CardPosted  by placet:courier",
        "#6  2026-11-23T12:00:04.000000Z  VoteRefused  by person:alice",
        "#7  2026-11-23T12:00:06.000000Z  VoteCast  by person:bob",
        "#8  2026-11-23T12:00:06.000000Z  ApprovalGiven  by person:bob",
        "#9  2026-11-23T12:00:07.000000Z  ApprovalDispatched  by agent:ci-bot",
        "#10  2026-11-23T12:00:09.000000Z  CallCompleted  by placet:gateway",
    ]
    assert found[:3] == [
        "approval apr_1: completed",
        "ci-bot asked to call files/write_file",
        "decided by bob",
    ]


def test_a_story_says_who_asked_for_what_by_which_rule() -> None:
    found = lines(approved())

    assert "    agent            ci-bot of team platform, owned by alice" in found
    assert row(found, "tool") == "files/write_file"
    assert row(found, "definition") == (
        f"SHA-256 {'aa' * 32} (first seen 2026-11-23T11:00:00.000000Z, #2)"
    )
    assert row(found, "hidden") == "2 values hidden, bound by the keyed digest"
    assert row(found, "policy") == (
        f"{'5f' * 32} (policy.yaml, in force since 2026-11-23T11:00:00.000000Z, #1)"
    )
    assert row(found, "rules") == '/rules/1 writes: require_approval, "it has no condition"'
    assert row(found, "risk") == 'write: "the name says `write`"'
    assert row(found, "held by") == "one"


def test_a_story_shows_the_arguments_line_by_line() -> None:
    found = lines(approved())

    start = found.index("    arguments        {")
    assert found[start + 1 : start + 4] == [
        '                       "content": "hello",',
        '                       "path": "/etc/motd"',
        "                     }",
    ]


def test_a_story_says_on_behalf_of_whom_an_agent_acted() -> None:
    book = Book()
    helper = facts().agent
    book.do(ask(agent=replace(helper, on_behalf_of="bob")))

    assert "    on behalf of     bob" in lines(book)


def test_a_story_says_which_card_a_voter_saw_and_how_fresh_the_evidence_was() -> None:
    found = lines(approved())
    digest = sha256(BLOCKS.encode()).hexdigest()

    assert row(found, "card") == f"SHA-256 {digest}, as kept"
    saw = [line for line in found if line.startswith("    saw ")]
    assert (
        saw
        == [f"    saw              C0PLATFORM at 1763899200.000100, revision 1, SHA-256 {digest}"]
        * 2
    )
    assert (
        "    evidence         Slack id T0ACME/U0BOB, read 2026-11-23T12:00:05.000000Z,"
        " 1.000 s before"
    ) in found


def test_a_refused_vote_is_told_with_its_reason() -> None:
    found = lines(approved())

    assert (
        "    apr_1: the yes of alice does not count (own-request): "
        '"you own this agent, or it acts for you: someone else has to decide"'
    ) in found


def test_the_outcome_is_told_with_duration_and_size() -> None:
    assert "    call_1: ok after 1500 ms, 42 bytes" in lines(approved())


def test_blocks_that_are_not_those_of_the_card_are_pointed_out() -> None:
    book = Book()
    book.do(ask())
    book.do(card(blocks=BLOCKS, sha256="00" * 32))

    assert row(lines(book), "card").endswith("BUT THE BLOCKS THAT ARE KEPT HAVE ANOTHER")


def test_the_blocks_of_a_card_are_shown_on_demand() -> None:
    book = approved()

    assert "may ci-bot write?" not in "\n".join(lines(book))
    assert '"text": "may ci-bot write?",' in "\n".join(lines(book, cards=True))


def test_identical_calls_are_told_once_and_named_after() -> None:
    book = Book()
    book.do(ask())
    book.do(ask("call_2"))

    found = lines(book)

    assert found.count("    arguments        {") == 1
    assert row(found, "same as") == "call_1: same tool, definition, arguments and digest"
    assert "    apr_1: identical call_2 waits on it too" in found


def test_a_denied_call_is_told_by_its_rules() -> None:
    book = Book()
    deny = Spoke("no-drops", "/rules/2", Effect.DENY, "it has no condition")
    book.do(ask(assessment=assessed(Effect.DENY, spoke=(deny,), message="open a ticket")))

    found = lines(book, "call_1", "call")

    assert found[0] == "call call_1: denied"
    assert row(found, "rules") == '/rules/2 no-drops: deny, "it has no condition"'
    assert row(found, "message") == '"open a ticket"'


def test_a_grant_is_told_with_its_uses() -> None:
    book = Book()
    book.do(grant(reason="migration", uses=3))
    book.do(ask(), after(1))

    found = lines(book, "grt_1", "grant")

    assert found[0] == "grant grt_1: live"
    assert found[1] == (
        "bob let ci-bot use files/write_* until 2026-11-23T13:00:00.000000Z; used 1 of 3 times"
    )
    assert row(found, "grant") == "grt_1"
    assert row(found, "speaks for") == "platform"
    assert "    grt_1: used by call_1" in found


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ("expired", "apr_1: expired, nobody decided in time"),
        ("denied", 'apr_1: denied by bob: "not now"'),
        ("lost", "call_1: nobody said how it ended (it was with one); it may have run"),
        ("voided", 'apr_1: void: "denied by rule `writes`"'),
        ("lapsed", "apr_1: lapsed, not used in time"),
    ],
)
def test_every_end_is_told_apart(ending: str, words: str) -> None:
    book = Book()
    book.do(ask())
    if ending == "expired":
        book.do(click("bob", after(1800)), after(1800))
    elif ending == "denied":
        book.do(click("bob", approves=False, reason="not now"))
    else:
        book.do(click("bob"))
    if ending == "lost":
        book.do(use())
        book.do(PresumeLost(id="lost", actor="placet:sweep", instances=("one",)))
    if ending == "voided":
        book.do(use(assessment=assessed(Effect.DENY)))
    if ending == "lapsed":
        book.do(use(), after(900))

    assert f"    {words}" in lines(book)


def test_earlier_voters_who_were_confirmed_are_told_with_the_decision() -> None:
    book = Book()
    book.do(ask(assessment=assessed(terms=(Term("platform", 2),))))
    book.do(click("bob"))
    book.do(click("cat", after(60), voters=(evidence("bob", after(60)),)), after(60))

    assert row(lines(book), "earlier votes").startswith("Slack id T0ACME/U0BOB, read 2026-11-23")


def test_a_long_reason_is_cut_in_the_sentence_and_given_in_full_below() -> None:
    book = Book()
    book.do(ask())
    book.do(click("bob", approves=False, reason="r" * 1000))

    found = lines(book)

    assert f'    apr_1: denied by bob: "{"r" * 160}" (and 840 more characters)' in found
    assert f'    reason in full   "{"r" * 1000}"' in found


def test_every_event_has_its_sentence() -> None:
    assert set(_SENTENCES) == set(EVENTS)


def test_arguments_that_are_not_json_are_shown_as_they_are() -> None:
    assert arguments("{broken") == ['"{broken"']


def test_a_story_for_machines_has_every_event_in_full() -> None:
    book = approved()

    whole = told_as_json(story(book, "apr_1"))

    again = json.loads(json.dumps(whole))
    assert again["kind"] == "approval"
    assert again["status"] == "completed"
    assert again["events"][0]["event"] == "CallDecided"
    assert again["events"][4]["state"]["evidence"]["slack"] == "T0ACME/U0BOB"


HOSTILE = st.text(
    alphabet=st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from("\x1b\x07\x9b\u202e\u2066\u200b\ufeff\r\n\t\0\x7f\u2028`\"'\\{}u <!@>"),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(text=HOSTILE)
def test_no_text_from_outside_drives_the_terminal_or_forges_a_line(text: str) -> None:
    book = Book()
    book.do(ask(description=text, arguments=json.dumps({text: text}), meta_keys=(text,)))
    book.do(card(channel=text, blocks=text))
    book.do(click("bob", approves=False, reason=text))
    outcome = CallCompleted(
        call="call_1",
        approval="apr_1",
        outcome=text,
        duration_ms=1,
        size=1,
        content=text,
        error=text,
    )
    seen = book.recorded[1]._replace(
        event=ToolSeen(server="files", tool=text, hash="a", definition=text, previous_hash=text),
    )
    extra = [book.recorded[-1]._replace(event=outcome), seen]

    found = list(told(replace(story(book, "apr_1"), events=[*book.recorded, *extra])))

    for line in found:
        assert "\n" not in line
        shown = inert(line, multiline=True)
        assert shown.isprintable()
    assert sum(line.startswith("#") for line in found) == len(book.recorded) + 2


@given(text=HOSTILE)
def test_a_vote_cannot_be_forged_by_a_name(text: str) -> None:
    known: Recorded = next(iter(Book().recorded))
    vote = VoteCast(
        approval="apr_1",
        person=text,
        approves=True,
        teams=(),
        reason=None,
        channel="C",
        ts="1",
        revision=1,
        evidence=evidence("bob"),
    )

    said = sentence(known._replace(event=vote).event)

    name = said.removeprefix("apr_1: ").removesuffix(" approves for nobody")
    assert name == text or json.loads(name) == text
