"""The state of any moment, built from the first event on, and what is wrong with a history."""

import asyncio
import io
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from acme import ADD_MOLE, ask, card, click, evidence, grant
from open_ledgers import Clock, open_ledger, prepare
from shelled import Terminal, a_history
from sqlalchemy import create_engine, text
from tampering import tamper

from ledger.lives.agents import RevokeAgent
from ledger.lives.deadlines_due import ExpireApproval
from ledger.lives.grants import RevokeGrant
from ledger.lives.policy_in_force import ActivatePolicy
from ledger.readings.moments import parse_moment, position_before
from ledger.words.reaching import Interrupted, Progress
from policies.values.refusals import Refused

NOW = datetime.fromisoformat("2026-11-23T12:00:00Z")


@pytest.fixture
def terminal(sqlite_url) -> Terminal:
    return a_history(sqlite_url)


def test_the_state_of_now_has_what_is_open_and_in_force(ledger_url) -> None:
    terminal = a_history(ledger_url)

    code = terminal.run("audit", "replay")

    assert code == 0
    assert "position 15 of 15" in terminal.lines[0]
    assert f"policy {'5f' * 32} of policy.yaml" in terminal.lines
    assert "approvals: 1 completed, 1 pending" in terminal.lines
    assert "grants in force: 1" in terminal.lines
    assert "agents of the ledger: none" in terminal.lines
    assert terminal.lines[-1] == (
        "15 events read: no position is missing, every leaf hash is right"
    )


def test_the_state_of_a_position(terminal) -> None:
    terminal.run("audit", "replay", "--position", "8", "--json")

    state = terminal.json()
    assert (state["position"], state["head"]) == (8, 15)
    assert state["approvals_by_status"] == {"approved": 1}
    assert state["approvals"][0]["by"] == ["bob"]
    assert state["grants"] == []
    assert state["flaws"] == []


def test_the_state_of_a_time_includes_the_events_of_that_very_microsecond(terminal) -> None:
    terminal.run("audit", "log", "--json", "--event", "CardPosted")
    at = terminal.json()["at"]

    terminal.run("audit", "replay", "--as-of", at, "--json")

    assert terminal.json()["position"] == 5
    assert terminal.json()["as_of"] == at


def test_before_the_first_event_there_was_nothing(terminal) -> None:
    code = terminal.run("audit", "replay", "--as-of", "2000-01-01T00:00:00+01:00")

    assert code == 0
    assert "no policy was in force" in terminal.lines
    assert "approvals: none" in terminal.lines


def test_what_changed_later_is_not_in_an_earlier_state(sqlite_url) -> None:
    clock = Clock()

    async def record() -> None:
        await prepare(ledger)
        await ledger.execute(ADD_MOLE)
        await ledger.execute(grant("bob", clock.now()))
        await ledger.execute(ask("call_2", digests=("k1:x",), definition_hash="aa" * 32))
        clock.advance(60)
        await ledger.execute(RevokeGrant(id="r", actor="shell:ops", grant="grt_1"))
        await ledger.execute(RevokeAgent(id="m", actor="shell:ops", agent="mole"))
        newer = ActivatePolicy(
            id="p2", actor="placet:policy", digest="6e" * 32, text="version: 1\n# new\n", source="b"
        )
        await ledger.execute(newer)

    with open_ledger(sqlite_url, clock) as ledger:
        asyncio.run(record())
    terminal = Terminal(sqlite_url, now=clock.now)

    terminal.run("audit", "replay", "--as-of", "30s ago", "--policy-text")
    earlier = terminal.text
    terminal.run("audit", "replay", "--policy-text")
    later = terminal.text

    assert "grants in force: 1" in earlier
    assert "grants in force: none" in later
    assert "mole  live" in earlier
    assert "mole  revoked" in later
    assert "  | rules: []" in earlier
    assert "  | # new" in later


def test_an_approval_past_its_deadline_is_marked_though_its_expiry_came_later(sqlite_url) -> None:
    clock = Clock()

    async def record() -> None:
        await prepare(ledger)
        await ledger.execute(ask())
        await ledger.execute(card())
        clock.advance(1900)
        expire = ExpireApproval(id="expire:apr_1", actor="placet:sweep", approval="apr_1")
        await ledger.execute(expire)

    with open_ledger(sqlite_url, clock) as ledger:
        asyncio.run(record())
    terminal = Terminal(sqlite_url, now=clock.now)

    terminal.run("audit", "replay", "--as-of", "2026-11-23T12:30:00Z")

    assert "2026-11-23T12:30:00.000000Z (over, its end was not recorded yet)" in terminal.text


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_event SET actor = 'person:mallory' WHERE position = 7",
        "UPDATE ledger_event SET at = at + 1 WHERE position = 7",
        "UPDATE ledger_event SET correlation_id = 'apr_3' WHERE position = 7",
        "UPDATE ledger_event SET command_id = 'x' WHERE position = 7",
    ],
)
def test_a_changed_row_is_named_by_its_position(terminal, statement) -> None:
    tamper(terminal.url, statement)

    code = terminal.run("audit", "replay")

    assert code == 1
    assert "1 flaw in the history:" in terminal.lines
    assert "  position 7: its leaf hash is not that of its content" in terminal.lines


def test_a_changed_reason_is_found_though_it_can_be_read(terminal) -> None:
    tamper(
        terminal.url,
        "UPDATE ledger_event SET state = CAST(replace(CAST(state AS TEXT), 'own-request', 'bot')"
        " AS BLOB) WHERE position = 6",
    )

    assert terminal.run("audit", "replay", "--json") == 1
    assert terminal.json()["flaws"] == [
        {"position": 6, "what": "its leaf hash is not that of its content"}
    ]


def test_a_missing_event_is_found(ledger_url) -> None:
    terminal = a_history(ledger_url)
    tamper(ledger_url, "DELETE FROM ledger_event WHERE position = 6")

    code = terminal.run("audit", "replay")

    assert code == 1
    assert "  position 7: 1 position before it is missing" in terminal.lines


def test_a_cut_off_end_is_found(terminal) -> None:
    tamper(terminal.url, "DELETE FROM ledger_event WHERE position > 12")

    assert terminal.run("audit", "replay") == 1
    assert "  position 15: the head says 15, but the history ends at 12" in terminal.lines


@pytest.mark.parametrize(
    "change",
    ["state = 'text'", "state = X'7b7d'", "at = 9000000000000000000", "actor = 7", "salt = ''"],
)
def test_an_event_that_nobody_can_read_is_named_and_left_out(terminal, change) -> None:
    statement = f"UPDATE ledger_event SET {change} WHERE position = 8"
    tamper(terminal.url, statement)

    code = terminal.run("audit", "replay")

    assert code == 1
    assert any("position 8: " in line for line in terminal.lines)


def test_an_unknown_kind_of_event_is_named(terminal) -> None:
    tamper(terminal.url, "UPDATE ledger_event SET type = 'Nonsense' WHERE position = 8")

    assert terminal.run("audit", "replay") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--as-of", "2026-11-23 12:00"], "no time zone"),
        (["--as-of", "soon"], "is no time"),
        (["--position", "99"], "the ledger ends at position 15"),
    ],
)
def test_what_cannot_be_replayed_is_refused_with_a_hint(terminal, arguments, words) -> None:
    with pytest.raises(Refused, match=words):
        terminal.run("audit", "replay", *arguments)


def test_projections_that_are_what_the_events_make_are_proven(ledger_url) -> None:
    terminal = a_history(ledger_url)

    code = terminal.run("audit", "projections")

    assert code == 0
    assert terminal.lines == ["15 events folded: every projection is what they make"]


def test_a_doctored_projection_is_named_with_what_differs(ledger_url) -> None:
    terminal = a_history(ledger_url)
    tamper(ledger_url, "UPDATE projected_approval SET status = 'approved' WHERE id = 'apr_3'")
    tamper_again(ledger_url, "DELETE FROM projected_call WHERE id = 'call_2'")
    tamper_again(
        ledger_url,
        "UPDATE projected_grant SET state = replace(state, 'used\"\\:1', 'used\"\\:0')",
    )
    tamper_again(
        ledger_url,
        "INSERT INTO projected_agent (id, open, position, state, status)"
        " VALUES ('ghost', 1, 1, '{}', 'live')",
    )

    code = terminal.run("audit", "projections")

    assert code == 1
    assert terminal.lines == [
        "4 rows differ from what 15 events make:",
        '  approval apr_3: status is "approved" and should be "pending"',
        '  grant grt_1: state.used is "0" and should be "1"',
        "  call call_2: the row is missing",
        "  agent ghost: no event makes this row",
    ]


def tamper_again(url: str, statement: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_differences_for_machines(terminal) -> None:
    tamper(terminal.url, "DELETE FROM projected_call WHERE id = 'call_2'")

    assert terminal.run("audit", "projections", "--json") == 1
    assert terminal.json() == {
        "events": 15,
        "equal": False,
        "mended": False,
        "differences": [{"kind": "call", "id": "call_2", "what": ["the row is missing"]}],
    }


def test_a_history_that_cannot_be_folded_proves_nothing(terminal) -> None:
    tamper(terminal.url, "UPDATE ledger_event SET state = 'nonsense' WHERE position = 8")

    with pytest.raises(Refused, match="`placet audit replay` names the wrong ones"):
        terminal.run("audit", "projections")


async def test_projections_are_compared_while_others_write(ledger_url) -> None:
    async def write(first: int) -> None:
        for number in range(first, first + 150):
            await ledger.execute(ask(f"call_{number}", digests=(f"k1:{number}",)))

    async def compare() -> list[int]:
        return [len(await reader.differences()) for _ in range(10)]

    with open_ledger(ledger_url) as ledger, open_ledger(ledger_url, serving=False) as reader:
        await prepare(ledger)
        _, _, found = await asyncio.gather(write(0), write(1000), compare())

    assert found == [0] * 10


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-11-23T12:00:00Z", "2026-11-23T12:00:00+00:00"),
        ("2026-11-23T13:30:00.250+01:30", "2026-11-23T12:00:00.250+00:00"),
        ("20261123T120000Z", "2026-11-23T12:00:00+00:00"),
        ("2026-11-23 12:00Z", "2026-11-23T12:00:00+00:00"),
        ("2h ago", "2026-11-23T10:00:00+00:00"),
        ("1h30m ago", "2026-11-23T10:30:00+00:00"),
        (" now ", "2026-11-23T12:00:00+00:00"),
    ],
)
def test_a_time_is_written_with_its_zone_or_as_how_long_ago(written, moment) -> None:
    assert parse_moment(written, NOW).isoformat() == datetime.fromisoformat(moment).isoformat()


@pytest.mark.parametrize(
    "written", ["", "noon", "2 hours ago", "ago", "-1h ago", "2026-13-01T00:00Z", "999999d ago"]
)
def test_what_is_no_time_is_refused(written) -> None:
    with pytest.raises(Refused, match="write it like"):
        parse_moment(written, NOW)


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00"])
def test_a_time_that_utc_cannot_hold_is_refused(written) -> None:
    with pytest.raises(Refused, match="is no time"):
        parse_moment(written, NOW)


async def test_the_position_of_a_time_is_found_among_equal_times(sqlite_url) -> None:
    clock = Clock()
    with open_ledger(sqlite_url, clock) as ledger:
        await prepare(ledger)
        for number in range(20):
            clock.advance(number % 3)
            await ledger.execute(ask(f"call_{number}", digests=(f"k1:{number}",)))
        times = [recorded.at for recorded in await ledger.events()]
        for moment in {*times, times[0] - timedelta(1), times[-1] + timedelta(1)}:
            for including in (False, True):
                expected = sum(at <= moment if including else at < moment for at in times)
                found = await ledger.look(
                    lambda c, m=moment, i=including: position_before(c, m, including=i)
                )

                assert found == expected


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_one_line_on_a_terminal_and_goes_away() -> None:
    seconds = iter([0.0, 0.1, 1.0, 2.0])
    screen = Screen()
    progress = Progress(screen, lambda: next(seconds))

    with progress.shown():
        progress(10, 200)
        progress(50, 200)
        progress(200, 200)

    assert screen.getvalue().split("\r")[1:3] == [
        "50 of 200 events, 25 %, 50 a second",
        "200 of 200 events, 100 %, 100 a second",
    ]
    assert screen.getvalue().endswith("\r")


def test_progress_elsewhere_is_a_line_every_five_seconds() -> None:
    seconds = iter([0.0, 1.0, 5.0, 6.0, 10.0])
    stream = io.StringIO()
    progress = Progress(stream, lambda: next(seconds))

    for done in (10, 50, 60, 100):
        progress(done, 200)

    assert stream.getvalue() == (
        "50 of 200 events, 25 %, 10 a second\n100 of 200 events, 50 %, 10 a second\n"
    )


def test_an_interrupt_ends_a_reading_that_goes_on_in_a_thread() -> None:
    progress = Progress(io.StringIO())

    with pytest.raises(Interrupted, match="nothing was changed"), progress.shown():
        raise KeyboardInterrupt
    with pytest.raises(Interrupted):
        progress(1, 2)


def test_a_long_history_is_told_progress_in_order(sqlite_url) -> None:
    reached: list[tuple[int, int]] = []

    async def record() -> int:
        await prepare(ledger)
        calls = [ask(f"call_{n}", digests=(f"k1:{n}",)) for n in range(700)]
        await asyncio.gather(*map(ledger.execute, calls))
        differences = await ledger.differences(lambda done, of: reached.append((done, of)))
        return len(differences)

    with open_ledger(sqlite_url) as ledger:
        assert asyncio.run(record()) == 0
    assert reached == [(1000, 1402), (1402, 1402)]


def test_a_vote_of_the_group_survives_the_fold(sqlite_url) -> None:
    zoe = "T0ACME/U0ZOE"

    async def record() -> None:
        await prepare(ledger)
        await ledger.execute(ask())
        at = await ledger.now()
        member = evidence(zoe, at, groups=["S0PLATFORM"])
        await ledger.execute(replace(click(zoe, at, evidence=member), approval="apr_1"))

    with open_ledger(sqlite_url) as ledger:
        asyncio.run(record())
    terminal = Terminal(sqlite_url)

    assert terminal.run("audit", "projections") == 0
    terminal.run("audit", "replay", "--json")
    vote = terminal.json()["approvals"][0]["votes"][0]
    assert vote["evidence"]["memberships"][0]["group"] == "S0PLATFORM"
