"""What is redacted beside a running Placet is gone from the ledger and from the cards."""

import json

import pytest
from scenarios.stage import BOB, PLATFORM, until

pytestmark = pytest.mark.timeout(120)

SECRET = "the-name-of-the-whistleblower"


async def test_a_redacted_story_leaves_the_ledger_and_the_card_while_placet_serves(staged):
    arguments = {"path": "a.txt", "text": SECRET}
    async with staged() as stage:
        replica = await stage.serve()
        await replica.call("write_file", arguments)
        await stage.press(BOB, "approval.approve")
        await replica.call("write_file", arguments)
        await stage.card_saying("completed")
        _, log, _ = await stage.run("audit", "log", "--event", "ApprovalRequested", "--json")
        position = json.loads(log)["position"]

        because = ("--because", "she asked us to", "--yes")
        code, out, errors = await stage.run("audit", "redact", str(position), "--story", *because)

        async def repainted() -> bool:
            return SECRET not in json.dumps(await stage.workspace.messages(PLATFORM))

        assert code == 0, errors
        await until(repainted)
        assert not (await replica.call("read_file", {"path": "b.txt"})).get("isError")
        _, told, _ = await stage.run("audit", "log", "--json")
        assert SECRET not in told
        assert "EventRedacted" in told
        for command in ("verify", "projections", "replay"):
            code, out, errors = await stage.run("audit", command)
            assert (code, errors) == (0, ""), out
