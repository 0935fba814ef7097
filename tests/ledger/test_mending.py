"""Projections are rebuilt while everybody goes on, and what was wrong is right at one moment."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from acme import ADD_MOLE, ask, card, click, use
from open_ledgers import open_ledger, prepare
from shelled import Terminal, a_history
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError
from tampering import tamper

from ledger.deciding.rulings import Dispatched, ruling
from ledger.events.envelopes import Recorded
from ledger.events.standing_events import ProjectionsMended
from ledger.lives.approvals import ApprovalStatus
from policies.values.refusals import Refused

LOAD = Path(__file__).with_name("load.py")
REBUILD = Path(__file__).with_name("rebuild.py")


def doctor(url: str, *statements: str) -> None:
    """Change projections as somebody with the database's password can."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def tables(url: str) -> set[str]:
    """Return the names of all tables."""
    listing = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
        "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
    }
    engine = create_engine(url)
    with engine.connect() as connection:
        found = {str(name) for (name,) in connection.execute(text(listing[engine.dialect.name]))}
    engine.dispose()
    return found


DOCTORED = (
    "UPDATE projected_approval SET status = 'approved' WHERE id = 'apr_3'",
    "DELETE FROM projected_call WHERE id = 'call_2'",
    "INSERT INTO projected_review (id, open, position, state) VALUES ('ghost', 0, 1, '{}')",
)


def test_a_doctored_projection_is_mended_and_the_history_says_so(ledger_url) -> None:
    terminal = a_history(ledger_url)
    doctor(ledger_url, *DOCTORED)

    assert terminal.run("audit", "projections", "--rebuild") == 0

    assert terminal.lines == [
        "3 rows differ from what 15 events make, and were replaced:",
        '  approval apr_3: status is "approved" and should be "pending"',
        "  call call_2: the row is missing",
        "  review ghost: no event makes this row",
    ]
    assert terminal.run("audit", "projections") == 0
    assert terminal.lines == ["16 events folded: every projection is what they make"]
    terminal.run("audit", "log", "--event", "ProjectionsMended")
    assert "shell:ops" in terminal.text
    assert terminal.text.endswith(
        "kept rows were not what the events make, and were replaced:"
        " 1 of kind approval, 1 of kind call, 1 of kind review"
    )
    assert terminal.run("audit", "replay") == 0


@pytest.mark.parametrize("column", ["id", "state", "status", "deadline"])
@pytest.mark.parametrize("value", ["NULL", "x'00ff'", "CAST(x'ff61' AS TEXT)", "7"])
def test_a_row_that_holds_what_no_row_should_is_mended_too(sqlite_url, column, value) -> None:
    terminal = a_history(sqlite_url)
    with contextlib.suppress(IntegrityError):
        doctor(sqlite_url, f"UPDATE projected_approval SET {column} = {value} WHERE id = 'apr_3'")

    found = terminal.run("audit", "projections")
    mended = terminal.run("audit", "projections", "--rebuild")

    assert (found, mended) in {(1, 0), (0, 0)}
    assert terminal.run("audit", "projections") == 0


def test_where_nothing_differs_nothing_is_recorded(ledger_url) -> None:
    terminal = a_history(ledger_url)

    assert terminal.run("audit", "projections", "--rebuild", "--json") == 0

    assert terminal.json() == {"events": 15, "equal": True, "mended": False, "differences": []}
    terminal.run("audit", "log")
    assert len(terminal.lines) == 15


def test_mended_agents_ask_for_a_restart_of_what_serves(sqlite_url) -> None:
    with open_ledger(sqlite_url) as ledger:
        asyncio.run(prepare(ledger))
        asyncio.run(ledger.execute(ADD_MOLE))
    doctor(sqlite_url, "UPDATE projected_agent SET status = 'revoked'")
    terminal = Terminal(sqlite_url)

    assert terminal.run("audit", "projections", "--rebuild") == 0

    assert terminal.lines[-1].startswith("restart each `placet serve`")


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM ledger_event WHERE position = 6",
        "DELETE FROM ledger_event WHERE position > 12",
        "UPDATE ledger_event SET actor = 'person:mallory' WHERE position = 7",
    ],
)
def test_nothing_is_mended_by_a_history_that_is_wrong_itself(ledger_url, statement) -> None:
    terminal = a_history(ledger_url)
    doctor(ledger_url, *DOCTORED)
    tamper(ledger_url, statement)

    with pytest.raises(Refused, match=r"position 7: .*|the history ends at 12, the head says 15"):
        terminal.run("audit", "projections", "--rebuild")

    with open_ledger(ledger_url, serving=False) as ledger:
        kept = asyncio.run(ledger.approvals(ApprovalStatus.APPROVED))
        assert [approval.id for approval in kept] == ["apr_3"]
        assert asyncio.run(ledger.call("call_2")) is None


@pytest.mark.parametrize("deadly", ["compared", "mended"])
def test_a_rebuild_that_is_killed_has_changed_and_left_nothing(ledger_url, deadly) -> None:
    terminal = a_history(ledger_url)
    doctor(ledger_url, *DOCTORED)
    before = tables(ledger_url)

    killed = subprocess.run([sys.executable, REBUILD, ledger_url, deadly], check=False)

    assert killed.returncode == -9
    assert tables(ledger_url) == before
    assert terminal.run("audit", "projections") == 1
    assert terminal.lines[0] == "3 rows differ from what 15 events make:"
    assert terminal.run("audit", "projections", "--rebuild") == 0
    assert terminal.run("audit", "projections") == 0


async def test_what_a_serving_process_had_in_memory_is_right_at_once(ledger_url) -> None:
    with open_ledger(ledger_url) as ledger:
        await prepare(ledger)
        await ledger.execute(ask())
        await ledger.execute(card())
        await ledger.execute(click("bob", await ledger.now()))
    doctor(
        ledger_url,
        """UPDATE projected_approval SET status = 'denied',
                  state = replace(state, '"status"\\:"approved"', '"status"\\:"denied"')""",
    )

    with open_ledger(ledger_url) as ledger, open_ledger(ledger_url, serving=False) as shell:
        with pytest.raises(Refused, match="is denied"):
            await ledger.execute(use())
        mended = await shell.mend("shell:ops")
        used = await ledger.execute(use())

        assert [(each.kind, each.id) for each in mended.differences] == [("approval", "apr_1")]
        assert isinstance(ruling(used), Dispatched)
        assert await ledger.differences() == []


def test_what_is_redacted_meanwhile_does_not_come_back(ledger_url) -> None:
    secret = "the-name-of-the-whistleblower"
    terminal = a_history(ledger_url)
    with open_ledger(ledger_url) as ledger:
        command = ask("call_9", digests=("k1:9",), description=secret)
        waits = replace(command.assessment, grantable=False)
        (*_, requested) = asyncio.run(ledger.execute(replace(command, assessment=waits)))
    doctor(ledger_url, "UPDATE projected_approval SET status = 'approved' WHERE id = 'apr_9'")
    points: list[str] = []

    def reach(point: str) -> None:
        points.append(point)
        if points == ["compared"]:
            position = str(requested.position)
            terminal.run("audit", "redact", position, "--because", "she asked us to", "--yes")

    with open_ledger(ledger_url, serving=False, reach=reach) as shell:
        asyncio.run(shell.mend("shell:ops"))
        kept = asyncio.run(shell.approval("apr_9"))

        assert points.count("compared") == 2
        assert kept is not None
        assert secret not in kept.model_dump_json()
        assert asyncio.run(shell.differences()) == []


@contextmanager
def writing(url: str, instance: str, serving: str) -> Iterator[subprocess.Popen[bytes]]:
    """Let a process settle calls as fast as it can, until the end of the block."""
    words = (serving, "allow", "20", "0", "nowhere")
    command = [sys.executable, str(LOAD), url, instance, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def acknowledged(process: subprocess.Popen[bytes], least: int) -> set[int]:
    """Return the positions of `least` calls that a process settled."""
    assert process.stdout is not None
    return {int(process.stdout.readline().split()[1]) for _ in range(least)}


async def test_two_processes_write_all_the_while(ledger_url) -> None:
    with open_ledger(ledger_url, serving=False) as ledger:
        await prepare(ledger)
        asked = (ask(f"call_{n}", digests=(f"k1:{n}",)) for n in range(200))
        await asyncio.gather(*map(ledger.execute, asked))
    doctor(
        ledger_url,
        "UPDATE projected_approval SET status = 'approved' WHERE id LIKE 'apr_1%'",
        "DELETE FROM projected_call WHERE id = 'call_20'",
    )
    second = "serving" if ledger_url.startswith("postgresql") else "beside"

    with (
        writing(ledger_url, "left", "serving") as left,
        writing(ledger_url, "right", second) as right,
        open_ledger(ledger_url, serving=False, instance="shell") as shell,
    ):
        known = await asyncio.to_thread(acknowledged, left, 50)
        known |= await asyncio.to_thread(acknowledged, right, 50)
        mended = await shell.mend("shell:ops")
        known |= await asyncio.to_thread(acknowledged, left, 50)
        known |= await asyncio.to_thread(acknowledged, right, 50)
        compared = await shell.differences()
        events = await everything(shell)

    assert len(mended.differences) == 111 + 1
    assert compared == []
    assert [each.position for each in events] == list(range(1, len(events) + 1))
    assert len(known) == 200
    assert sum(isinstance(each.event, ProjectionsMended) for each in events) == 1


async def everything(ledger) -> list[Recorded]:
    found: list[Recorded] = []
    while page := await ledger.events(after=len(found), limit=5000):
        found += page
    return found
