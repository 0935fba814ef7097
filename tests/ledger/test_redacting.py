"""What is redacted is gone for good, an event says so, and every proof still holds."""

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest
from acme import ask, assessed, card
from open_ledgers import open_ledger
from shelled import Terminal, a_history
from sqlalchemy import create_engine, make_url, text
from tampering import seal, tamper

from ledger.events.blanking import GONE, blank, fields_of
from ledger.events.catalogue import EVENTS
from ledger.lives.approvals import ApprovalStatus
from ledger.lives.deliveries import RecordRepaint
from ledger.proofs.tlog_proofs import read_receipt
from ledger.storage.mapper import RecordMapper
from policies.secrets.hidden_values import HiddenCode
from policies.values.refusals import Refused

GOLDEN = [
    json.loads(line)
    for line in (Path(__file__).parent / "golden" / "events-v1.jsonl").read_text().splitlines()
]

SECRET = "the-name-of-the-whistleblower"
ARGUMENTS = f'{{"path":"a.txt","text":"{SECRET}"}}'
BLOCKS = f'[{{"type":"section","text":"{SECRET}"}}]'
DECIDED, REQUESTED = 16, 17
WAITS = assessed(grantable=False)


@pytest.fixture
def terminal(ledger_url) -> Terminal:
    """Return a terminal on a sealed history whose newest call holds the secret in three events."""
    terminal = a_history(ledger_url)

    async def record() -> None:
        await ledger.execute(
            ask("call_9", WAITS, arguments=ARGUMENTS, digests=("k1:" + "d9" * 32,))
        )
        await ledger.execute(card("apr_9", blocks=BLOCKS))

    with open_ledger(ledger_url) as ledger:
        asyncio.run(record())
    seal(ledger_url)
    return terminal


def redact(terminal: Terminal, *what: str) -> int:
    return terminal.run("audit", "redact", *what, "--because", "she asked us to", "--yes")


def stored(url: str) -> str:
    """Return all that the ledger's tables hold."""
    engine = create_engine(url)
    with engine.connect() as connection:
        tables = ["ledger_event", "projected_approval", "projected_call"]
        rows = [
            value
            for table in tables
            for row in connection.execute(text(f"SELECT * FROM {table}"))
            for value in row
        ]
    engine.dispose()
    return "\n".join(
        bytes(value).decode(errors="replace")
        if isinstance(value, bytes | memoryview)
        else str(value)
        for value in rows
    )


def events(terminal: Terminal) -> list[dict[str, object]]:
    terminal.run("audit", "log", "--json")
    return [json.loads(line) for line in terminal.lines]


def test_a_redacted_story_is_nowhere_and_every_proof_still_holds(terminal, tmp_path):
    terminal.run("audit", "checkpoint")
    (tmp_path / "kept").write_text("\n".join(terminal.lines) + "\n")

    code = redact(terminal, str(DECIDED), "--story")
    seal(terminal.url)

    assert code == 0, terminal.text
    assert SECRET not in stored(terminal.url)
    for command in (
        ("verify",),
        ("verify", "--checkpoint", str(tmp_path / "kept")),
        ("verify", "--since", str(tmp_path / "kept")),
        ("projections",),
        ("replay",),
        ("show", "apr_9", "--cards"),
    ):
        assert terminal.run("audit", *command) == 0, terminal.text
        assert SECRET not in terminal.text


def test_who_redacted_what_and_why_is_an_event(terminal):
    redact(terminal, str(DECIDED))

    newest = events(terminal)[-1]
    assert (newest["event"], newest["actor"]) == ("EventRedacted", "shell:ops")
    assert newest["correlation_id"] == "apr_9"
    said = newest["state"]
    assert (said["redacted"], said["event"]) == (DECIDED, "CallDecided")
    assert said["because"] == "she asked us to"
    assert "arguments" in said["fields"]


def test_what_decided_is_still_told(terminal):
    before = events(terminal)[DECIDED - 1]
    redact(terminal, str(DECIDED))

    after = events(terminal)[DECIDED - 1]
    assert (before["redacted"], after["redacted"]) == (False, True)
    assert after["state"]["arguments"] == f'"{GONE}"'
    kept = ("call", "agent", "server", "tool", "digest", "effect", "approval", "policy_digest")
    assert [after["state"][name] for name in kept] == [before["state"][name] for name in kept]
    places = ("position", "at", "stream", "version", "actor", "command_id", "correlation_id")
    assert [after[name] for name in places] == [before[name] for name in places]


def test_the_entry_of_a_receipt_stays_the_same_byte_for_byte(terminal, tmp_path):
    receipts = [tmp_path / "before", tmp_path / "after"]
    what = ("audit", "receipt", "--position", str(DECIDED))
    terminal.run(*what, "--output", str(receipts[0]))
    redact(terminal, str(DECIDED))
    seal(terminal.url)

    terminal.run(*what, "--output", str(receipts[1]))

    before, after = (read_receipt(path.read_text()).entry for path in receipts)
    assert before == after
    for receipt in receipts:
        assert terminal.run("audit", "receipt", "--verify", str(receipt)) == 0
    with pytest.raises(Refused, match=f"content of position {DECIDED} was redacted"):
        terminal.run(*what, "--output", str(receipts[1]), "--content", str(tmp_path / "content"))


def test_the_command_tells_where_else_the_text_is(terminal):
    redact(terminal, str(DECIDED))

    assert terminal.lines[2] == (
        "other events of apr_9 have content; these stay; with --story they go too:"
    )
    assert terminal.lines[3].startswith(f"    #{REQUESTED} ApprovalRequested: ")
    assert terminal.lines[3].endswith(", the same text")
    assert terminal.lines[4] == "    #18 CardPosted: blocks and sha256, the same text"


def test_what_people_are_asked_ends_with_its_content(terminal):
    redact(terminal, str(REQUESTED))

    assert "apr_9 was open and has ended with it" in terminal.text
    with open_ledger(terminal.url) as ledger:
        approval = asyncio.run(ledger.approval("apr_9"))
    assert approval.status is ApprovalStatus.CANCELLED
    assert approval.request.arguments == f'"{GONE}"'


def test_a_ledger_that_is_open_beside_it_goes_on_with_what_is_left(terminal):
    with open_ledger(terminal.url, instance="serving") as serving:
        asyncio.run(serving.approval("apr_9"))
        asyncio.run(serving.execute(ask("call_10", WAITS, digests=("k1:" + "e1" * 32,))))
        redact(terminal, str(DECIDED), "--story")
        asyncio.run(serving.execute(ask("call_11", WAITS, digests=("k1:" + "e2" * 32,))))
        asyncio.run(serving.execute(card("apr_9", channel="C0OTHER", blocks="[]")))

    assert SECRET not in stored(terminal.url)
    assert terminal.run("audit", "projections") == 0, terminal.text


def test_a_card_that_was_drawn_before_brings_nothing_back_and_is_painted_anew(terminal):
    place = {"approval": "apr_9", "channel": "C0PLATFORM", "ts": "1763899200.000100"}
    late = {"blocks": BLOCKS, "sha256": "d0" * 32, "revision": REQUESTED}
    new = {"blocks": '[{"type":"divider"}]', "sha256": "d1" * 32}
    by = {"actor": "placet:courier"}
    with open_ledger(terminal.url) as ledger:
        redact(terminal, str(DECIDED), "--story")
        asyncio.run(ledger.execute(RecordRepaint(id="late", **by, **place, **late)))
        asyncio.run(ledger.execute(card("apr_9", id="other", channel="C0OTHER", **late)))
        drawn = asyncio.run(ledger.approval("apr_9"))
        revision = drawn.position
        asyncio.run(
            ledger.execute(RecordRepaint(id="new", **by, **place, **new, revision=revision))
        )
        (other, known) = asyncio.run(ledger.approval("apr_9")).cards

    assert SECRET not in stored(terminal.url)
    assert {painted.sha256 for painted in drawn.cards} == {""}
    assert (other.channel, other.sha256, known.sha256) == ("C0OTHER", "", "d1" * 32)
    for command in ("verify", "projections", "replay"):
        assert terminal.run("audit", command) == 0, terminal.text


@pytest.mark.parametrize(
    ("position", "why"),
    [
        ("1", "has the policy in force"),
        ("2", "has a definition that calls are compared with"),
        ("99", "there is no event at position 99"),
    ],
)
def test_what_still_decides_is_not_redacted(terminal, position, why):
    with pytest.raises(Refused, match=why):
        redact(terminal, position)


def test_an_event_is_redacted_once_and_the_event_that_says_so_never(terminal):
    redact(terminal, str(DECIDED))
    said_at = len(events(terminal))

    with pytest.raises(Refused, match="is redacted already"):
        redact(terminal, str(DECIDED))
    with pytest.raises(Refused, match="says what was redacted"):
        redact(terminal, str(said_at))


def test_an_event_that_somebody_changed_is_not_redacted(terminal):
    tamper(terminal.url, f"UPDATE ledger_event SET actor = 'eve' WHERE position = {DECIDED}")

    with pytest.raises(Refused, match=f"the event at position {DECIDED} was changed"):
        redact(terminal, str(DECIDED))

    assert SECRET in stored(terminal.url)
    assert all(event["event"] != "EventRedacted" for event in events(terminal))


def test_a_slip_of_the_hand_redacts_nothing(terminal):
    what = ("audit", "redact", str(DECIDED), "--because", "she asked us to")

    terminal.typed = "y"
    assert terminal.run(*what) == 1
    assert terminal.lines[-1] == "nothing was redacted"
    terminal.typed = None
    with pytest.raises(Refused, match="give `--yes`"):
        terminal.run(*what)
    terminal.typed = str(DECIDED)
    assert terminal.run(*what) == 0


def other_state(url: str) -> str:
    """Return an expression for a state in which another agent made the call."""
    if url.startswith("postgres"):
        return "convert_to(replace(convert_from(state, 'UTF8'), 'ci-bot', 'eve-bot'), 'UTF8')"
    return "CAST(replace(CAST(state AS TEXT), 'ci-bot', 'eve-bot') AS BLOB)"


def test_nothing_else_can_be_put_where_a_content_was(terminal):
    redact(terminal, str(DECIDED))
    seal(terminal.url)
    changed = other_state(terminal.url)

    tamper(terminal.url, f"UPDATE ledger_event SET state = {changed} WHERE position = {DECIDED}")

    assert terminal.run("audit", "verify", "--json") == 1
    flaw = terminal.json()["flaws"][0]
    assert flaw["position"] == DECIDED
    assert flaw["what"] == "it does not say what its redaction left of it"
    assert terminal.run("audit", "replay") == 1


def test_an_event_whose_content_went_without_a_redaction_is_found(terminal):
    redact(terminal, str(DECIDED))
    seal(terminal.url)

    tamper(
        terminal.url,
        "UPDATE ledger_event SET stream = 'redaction-7' WHERE type = 'EventRedacted'",
    )

    assert terminal.run("audit", "verify", "--json") == 1
    found = {flaw["position"]: flaw["what"] for flaw in terminal.json()["flaws"]}
    assert found[DECIDED] == "its content was taken away and no event says so"


def test_a_content_that_came_back_is_found(terminal):
    engine = create_engine(terminal.url)
    with engine.connect() as connection:
        query = text(f"SELECT state, salt FROM ledger_event WHERE position = {DECIDED}")
        state, salt = connection.execute(query).one()
    engine.dispose()
    redact(terminal, str(DECIDED))
    seal(terminal.url)

    tamper(
        terminal.url,
        f"UPDATE ledger_event SET state = :state, salt = :salt, code = NULL"
        f" WHERE position = {DECIDED}",
        state=state,
        salt=salt,
    )

    assert terminal.run("audit", "verify", "--json") == 1
    (flaw,) = terminal.json()["flaws"]
    assert flaw["what"] == f"it says that {DECIDED} was redacted, whose content is there again"


@pytest.mark.parametrize(
    "change",
    [
        "state = '', salt = '', code = salt",
        "state = '', salt = ''",
        "state = ''",
        "actor = 'nobody'",
    ],
)
@pytest.mark.parametrize("position", [DECIDED, 5])
def test_the_database_takes_no_other_change_of_an_event(terminal, position, change):
    redact(terminal, str(DECIDED))
    engine = create_engine(terminal.url)
    if engine.dialect.name == "sqlite":
        change = change.replace("''", "x''")

    with (
        pytest.raises(Exception, match="the history is never changed"),
        engine.begin() as connection,
    ):
        connection.execute(text(f"UPDATE ledger_event SET {change} WHERE position = {position}"))
    engine.dispose()


def test_no_byte_of_it_is_left_in_the_files_of_sqlite(sqlite_url):
    terminal = a_history(sqlite_url)
    large = f'{{"path":"a.txt","text":"{SECRET * 1000}"}}'

    async def record() -> None:
        await ledger.execute(ask("call_9", WAITS, arguments=large, digests=("k1:" + "d9" * 32,)))
        await ledger.execute(card("apr_9", blocks=BLOCKS))

    with open_ledger(sqlite_url) as ledger:
        asyncio.run(record())
        redact(terminal, str(DECIDED), "--story")
        place = Path(str(make_url(sqlite_url).database))
        left = [
            file.name
            for file in place.parent.glob("placet.db*")
            if SECRET.encode() in file.read_bytes()
        ]

    assert left == []
    with sqlite3.connect(place) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("line", GOLDEN, ids=[line["topic"] for line in GOLDEN])
def test_what_is_left_of_an_event_is_read_and_holds_nothing_more_to_take(line):
    mapper = RecordMapper()
    event = mapper.event(line["topic"], line["state"].encode())

    left = mapper.event(line["topic"], mapper.state(blank(event)))

    assert left == blank(event)
    assert fields_of(left) == ()


def test_every_field_of_an_event_is_either_content_or_not_free_text():
    free = {"reason", "because", "message", "error", "blocks", "arguments", "content", "text"}
    kept = {"VoteRefused", "GrantRefused", "ToolAcceptanceRefused", "FreezeRefused"}
    kept |= {"EventRedacted", "BreakGlassRefused", "StepRefused", "DelegationEnded"}

    left = {
        (event.TOPIC, name)
        for event in EVENTS
        for name in free & set(event.model_fields)
        if name not in _taken(event)
    }

    assert {topic for topic, name in left} <= kept
    assert {name for topic, name in left} <= {"because"}


def _taken(event):
    line = next(line for line in GOLDEN if line["topic"] == event.TOPIC)
    return fields_of(RecordMapper().event(event.TOPIC, line["state"].encode()))


def test_the_codes_of_hidden_values_go_with_a_redacted_call(sqlite_url):
    terminal = a_history(sqlite_url)
    code = HiddenCode("token", "5f:" + "0" * 32)
    with open_ledger(sqlite_url) as ledger:
        asyncio.run(ledger.execute(ask("call_9", WAITS, hidden=1, hidden_values=(code,))))
    assert events(terminal)[DECIDED - 1]["state"]["hidden_values"]

    redact(terminal, str(DECIDED))

    assert events(terminal)[DECIDED - 1]["state"]["hidden_values"] == []
