"""What is sealed is kept as an archive; its content leaves the ledger, and no proof is lost."""

import asyncio
import json

from acme import ask
from open_ledgers import open_ledger
from shelled import a_history
from tampering import seal


async def more_calls(url):
    with open_ledger(url) as ledger:
        for number in range(10, 14):
            await ledger.execute(ask(f"call_{number}", digests=(f"k1:{number:064x}",)))


def events(terminal, file):
    """Export the events in full into a file, and return them by position."""
    assert terminal.run("audit", "export", "--format", "jsonl", "--output", str(file)) == 0
    found = [json.loads(line) for line in file.read_text().splitlines()]
    return {event["position"]: event for event in found}


def test_content_that_was_archived_leaves_the_ledger_and_every_proof_still_holds(
    ledger_url, tmp_path
):
    terminal = a_history(ledger_url)
    seal(ledger_url)
    log = tmp_path / "log"
    assert terminal.run("audit", "export", "--tiles", str(log)) == 0
    archived = events(terminal, tmp_path / "before.jsonl")
    asked = next(each for each in archived.values() if each["event"] == "ApprovalRequested")

    code = terminal.run(
        *("audit", "redact", str(asked["position"]), "--because", "kept for 90 days"),
        *("--story", "--yes"),
    )
    seal(ledger_url)

    assert code == 0
    assert terminal.run("audit", "verify", "--checkpoint", str(log / "checkpoint")) == 0
    assert terminal.run("audit", "export", "--tiles", str(log)) == 0
    left = events(terminal, tmp_path / "after.jsonl")[asked["position"]]
    assert ("/etc/motd" in str(asked), "/etc/motd" in str(left)) == (True, False)
    assert (left["redacted"], left["actor"], left["at"]) == (True, asked["actor"], asked["at"])


def test_the_archive_grows_with_the_ledger_and_vouches_for_all_of_it(ledger_url, tmp_path):
    terminal = a_history(ledger_url)
    seal(ledger_url)
    log = tmp_path / "log"
    terminal.run("audit", "export", "--tiles", str(log))
    first = (log / "checkpoint").read_text()
    asyncio.run(more_calls(ledger_url))
    seal(ledger_url)

    terminal.run("audit", "export", "--tiles", str(log))

    both = tmp_path / "checkpoints"
    both.write_text(first + "\n" + (log / "checkpoint").read_text())
    assert terminal.run("audit", "verify", "--checkpoint", str(both)) == 0
    assert (log / "checkpoint").read_text() != first
