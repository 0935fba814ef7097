"""What a caller hears while people have frozen its agent, its server or everything."""

import asyncio

from gateway_stage import staged

from ledger.lives.freezes import BeginFreeze, EndFreeze
from policies.deciding.freezes import Frozen

WRITE = {"path": "a.txt", "content": "hello"}
READ = {"path": "a.txt"}


def freeze(over: Frozen, name: str) -> BeginFreeze:
    return BeginFreeze(
        id="freeze", actor="shell:ops", freeze="frz_1", over=over, name=name, reason="it deletes"
    )


LIFT = EndFreeze(id="lift", actor="shell:root", freeze="frz_1")


async def test_a_frozen_agent_is_told_by_whom_and_nothing_reaches_the_server(sqlite_url):
    async with staged(sqlite_url) as stage:
        await stage.ledger.execute(freeze(Frozen.EVERYTHING, ""))

        answer = await stage.call("read_file", READ)

        assert answer.text.startswith("Frozen: `files/read_file` was stopped by a person")
        assert "everything was frozen by `shell:ops` at " in answer.text
        assert "it deletes" not in answer.text
        assert answer.told["status"] == "frozen"
        assert stage.server.calls() == []
        await stage.ledger.execute(LIFT)
        assert (await stage.call("read_file", READ, number=2)).text == "done: read_file"


async def test_a_held_call_that_is_approved_while_frozen_does_not_run_and_can_run_later(sqlite_url):
    async with staged(sqlite_url, hold="1m") as stage:
        call = asyncio.create_task(stage.call("write_file", WRITE))
        (approval,) = await stage.pending()
        await stage.ledger.execute(freeze(Frozen.SERVER, "files"))

        await stage.decide(approval.id)
        answer = await call

        assert answer.told["status"] == "frozen"
        assert answer.told["approval"] == approval.id
        assert stage.server.calls() == []
        await stage.ledger.execute(LIFT)
        later = await stage.call("write_file", WRITE, number=2)
        assert later.text == "done: write_file"
        assert len(stage.server.calls()) == 1
