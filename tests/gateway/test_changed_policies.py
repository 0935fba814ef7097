"""Calls that wait for people hear at once what another policy says of them."""

import asyncio
import json
from contextlib import asynccontextmanager

from gateway_stage import META, POLICY, Answered, modern_headers, staged, until

from ledger.approvals import ApprovalStatus
from ledger.held_approvals import HeldApprovals
from policies.people import Directory

DENYING = POLICY + "  - {name: no-writes, match: {tool: write_file}, effect: deny}\n"
ALLOWING = POLICY + "  - {name: writes, match: {tool: write_file}, effect: allow}\n"
TWO = POLICY + (
    "  - {name: two, match: {tool: write_file}, effect: require_approval,"
    " approval: {approvals: 2}}\n"
)
PEOPLE = Directory(server_teams={"files": "platform"})
WRITE = {"path": "a.txt"}


@asynccontextmanager
async def waiting(ledger_url, text):
    """Give a stage, and the answer to a call that was held when `text` came into force."""
    async with staged(ledger_url, hold="0s") as stage:
        held = HeldApprovals(stage.ledger, stage.policy, PEOPLE, frozenset())
        held.start()
        call = asyncio.create_task(held_on(stage))
        await stage.pending()
        await stage.policy.activate(text)
        try:
            yield stage, await asyncio.wait_for(call, 40)
        finally:
            await held.stop()


async def held_on(stage):
    """Return what a call is told at last that is held with signs of life."""
    meta = META | {"progressToken": "t1"}
    params = {"name": "write_file", "arguments": WRITE, "_meta": meta}
    message = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}
    answer = await stage.post(
        json.dumps(message).encode(), modern_headers("tools/call", "write_file")
    )
    *_, last = (line for line in answer.body.split(b"\n") if line.startswith(b"data: "))
    return Answered(answer.status, answer.headers, last.removeprefix(b"data: "))


async def test_a_held_call_that_is_denied_now_hears_so_at_once(ledger_url):
    async with waiting(ledger_url, DENYING) as (stage, answer):
        again = await stage.call("write_file", WRITE)

        assert "denied by rule `no-writes` of the policy in force now" in answer.text
        assert again.told["status"] == "denied_by_policy"
        assert stage.server.calls() == []


async def test_a_held_call_that_is_allowed_now_hears_so_and_runs_when_it_comes_again(ledger_url):
    async with waiting(ledger_url, ALLOWING) as (stage, answer):
        assert "call again, and it runs" in answer.text
        assert stage.server.calls() == []

        again = await stage.call("write_file", WRITE)

        assert again.text == "done: write_file"
        assert len(stage.server.calls()) == 1


async def test_a_held_call_that_needs_other_approvals_now_asks_anew_when_it_comes_again(ledger_url):
    async with waiting(ledger_url, TWO) as (stage, answer):
        assert answer.told["status"] == "voided"

        again = asyncio.create_task(stage.call("write_file", WRITE))

        async def asked():
            found = await stage.ledger.approvals(ApprovalStatus.PENDING)
            return [each.request.terms[0].approvals for each in found]

        assert await until(asked) == [2]
        again.cancel()
