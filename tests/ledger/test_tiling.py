"""What is sealed is written as a log of static files, which others check and which only grows."""

import asyncio

import pytest
from acme import ask
from open_ledgers import open_ledger
from shelled import a_history
from tampering import seal, tamper

from ledger.audit.tlog_tiles import NotTheCheckpoint
from policies.values.refusals import Refused


async def more_calls(url, number):
    with open_ledger(url) as ledger:
        commands = [ask(f"call_{each}", digests=(f"k1:{each:064x}",)) for each in range(10, number)]
        await asyncio.gather(*(ledger.execute(command) for command in commands))


def judged(by_go, terminal, folder):
    """Write the log, and return what Go's checksum database says of it."""
    assert terminal.run("audit", "export", "--tiles", str(folder)) == 0
    said = terminal.lines[-1]
    terminal.run("audit", "key")
    (key,) = terminal.lines
    return said, by_go([{"log": str(folder), "key": key, "pem": "", "id": key.split("+")[1]}])


def test_the_log_is_accepted_by_others_and_grows(ledger_url, tmp_path, by_go):
    terminal = a_history(ledger_url)
    seal(ledger_url)
    folder = tmp_path / "log"
    first = judged(by_go, terminal, folder)
    asyncio.run(more_calls(ledger_url, 300))
    seal(ledger_url)

    second = judged(by_go, terminal, folder)

    assert (first[1], second[1]) == ([""], [""])
    assert f"{folder}: 15 events of placet/" in first[0]
    assert (folder / "tile/entries/000").exists()


def test_a_changed_event_is_not_written_as_if_it_were_sealed(ledger_url, tmp_path):
    terminal = a_history(ledger_url)
    seal(ledger_url)
    tamper(ledger_url, "UPDATE ledger_event SET actor = 'person:eve' WHERE position = 7")

    with pytest.raises(NotTheCheckpoint, match="another root"):
        terminal.run("audit", "export", "--tiles", str(tmp_path / "log"))

    assert not (tmp_path / "log" / "checkpoint").exists()


def test_what_is_not_sealed_is_not_written(sqlite_url, tmp_path):
    terminal = a_history(sqlite_url)

    with pytest.raises(Refused, match="nothing is sealed yet"):
        terminal.run("audit", "export", "--tiles", str(tmp_path / "log"))


@pytest.mark.parametrize("more", [["--follow"], ["--since", "2h ago"], ["--agent", "ci-bot"]])
def test_a_part_of_the_history_is_no_log(sqlite_url, tmp_path, more):
    terminal = a_history(sqlite_url)

    with pytest.raises(Refused, match=f"leave `{more[0]}` out"):
        terminal.run("audit", "export", "--tiles", str(tmp_path / "log"), *more)
