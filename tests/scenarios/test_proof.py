"""What was decided is proven from outside: by a copy of a checkpoint, by a receipt."""

import json

import pytest
from scenarios.stage import BOB, SECURITY, until
from tampering import tamper

from ledger.audit.checkpoints import notes_in

pytestmark = pytest.mark.timeout(180)

WRITE = {"path": "a.txt", "text": "hello"}


async def test_checkpoints_leave_the_ledger_and_prove_it(staged, tmp_path):
    async with staged() as stage:
        stage.checkpoints = {"file": "checkpoints", "channel": SECURITY, "every": "1s"}
        kept = stage.folder / "checkpoints"
        replica = await stage.serve()
        await replica.call("write_file", WRITE)
        await stage.press(BOB, "approval.approve")
        await replica.call("write_file", WRITE)
        await until(lambda: _covers(stage, kept))
        posted = json.dumps(await stage.card_saying("newest checkpoint", SECURITY))
        _, approvals, _ = await stage.run("approvals", "list", "--all", "--json")
        approval = json.loads(approvals)[0]["id"]

        proven, verdict, _ = await stage.run("audit", "verify", "--checkpoint", str(kept))
        receipt = str(tmp_path / "it.tlog-proof")
        issued, said, _ = await stage.run("audit", "receipt", approval, "--output", receipt)
        checked, told, _ = await stage.run("audit", "receipt", "--verify", receipt)
        await replica.stop()
        tamper(stage.ledger_url, "DELETE FROM ledger_event WHERE position > 6")
        tamper(stage.ledger_url, "DELETE FROM ledger_checkpoint WHERE size > 6")
        tamper(stage.ledger_url, "UPDATE ledger_head SET position = 6")
        cut, missing, _ = await stage.run("audit", "verify", "--checkpoint", str(kept))

        assert notes_in(kept.read_text())[0].partition("\n")[0] in posted
        assert (proven, issued, checked, cut) == (0, 0, 0, 1), (verdict, said, told)
        assert "ok: no event was changed, removed or moved" in verdict
        assert "ok: ApprovalGiven at position" in told
        assert "position 7: checkpoint" in missing


async def _covers(stage, kept):
    """Tell whether the last checkpoint that was kept is over all events."""
    if not kept.exists():
        return False
    sizes = [note.split("\n")[1] for note in notes_in(kept.read_text())]
    return sizes[-1:] == [str(len(await stage.events()))]
