"""Calls that wait for people hear at once what another policy says of them."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from gateway_stage import META, POLICY, Answered, modern_headers, staged, until

from ledger.events.events import CallCompleted
from ledger.lives.approvals import ApprovalStatus
from ledger.unavailable import LedgerUnavailable
from ledger.watching.held_approvals import HeldApprovals
from policies.people.people import Directory

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
            yield stage, await asyncio.wait_for(call, 60)
        finally:
            await held.stop()


async def held_on(stage, number=7, *, legacy=False):
    """Return what a call is told at last that is held with signs of life."""
    meta = ({} if legacy else META) | {"progressToken": f"t{number}"}
    params = {"name": "write_file", "arguments": WRITE, "_meta": meta}
    message = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
    modern = modern_headers("tools/call", "write_file")
    answer = await stage.post(
        json.dumps(message).encode(),
        {"MCP-Protocol-Version": "2025-11-25"} if legacy else modern,
    )
    told = [line for line in answer.body.split(b"\n") if line.startswith(b"data: ")]
    last = told[-1] if told else answer.body  # it may have ended before its stream began
    return Answered(answer.status, answer.headers, last.removeprefix(b"data: "))


async def test_a_held_call_that_is_denied_now_hears_so_at_once(ledger_url):
    async with waiting(ledger_url, DENYING) as (stage, answer):
        again = await stage.call("write_file", WRITE)

        assert "denied by rule `no-writes` of the policy in force now" in answer.text
        assert again.told["status"] == "denied_by_policy"
        assert stage.server.calls() == []


async def test_a_held_call_that_is_allowed_now_runs_at_once(ledger_url):
    async with waiting(ledger_url, ALLOWING) as (stage, answer):
        (approval,) = await stage.ledger.approvals(ApprovalStatus.CANCELLED)
        await stage.ended()

        assert answer.text == "done: write_file"
        assert len(stage.server.calls()) == 1
        assert approval.status is ApprovalStatus.CANCELLED
        assert "the policy in force now allows it" in approval.reason
        topics = await stage.topics()
        assert topics.count("ApprovalDispatched") == 0
        assert topics[-3:] == ["ApprovalCancelled", "CallDecided", "CallCompleted"]


@pytest.mark.parametrize("legacy", [False, True])
async def test_of_identical_calls_that_are_held_one_runs_where_a_policy_allows_them(
    ledger_url, legacy
):
    async with staged(ledger_url, hold="0s") as stage:
        held = HeldApprovals(stage.ledger, stage.policy, PEOPLE, frozenset())
        held.start()
        calls = [asyncio.create_task(held_on(stage, n, legacy=legacy)) for n in range(4)]
        await stage.pending()
        await until(lambda: joined(stage, 4))
        await stage.policy.activate(ALLOWING)
        texts = sorted([(await asyncio.wait_for(call, 60)).text for call in calls])
        await held.stop()

        assert len(stage.server.calls()) == 1
        assert texts.count("done: write_file") == 1
        assert sum("call again" in text or "called again" in text for text in texts) == 3


async def test_a_ledger_that_fails_one_of_identical_calls_does_not_end_the_one_that_runs(
    sqlite_url, monkeypatch
):
    async with staged(sqlite_url, hold="0s") as stage:
        held = HeldApprovals(stage.ledger, stage.policy, PEOPLE, frozenset())
        held.start()
        calls = [asyncio.create_task(held_on(stage, n)) for n in range(2)]
        await stage.pending()
        await until(lambda: joined(stage, 2))
        execute, decided = stage.ledger.execute, []

        async def failing_once(command):
            if not command.id.startswith("anew:"):
                return await execute(command)
            decided.append(command.id)
            if len(decided) == 2:
                raise LedgerUnavailable("the ledger is busy")
            found = await execute(command)
            await asyncio.sleep(1)  # meanwhile the other fails, and is seen to
            return found

        monkeypatch.setattr(stage.ledger, "execute", failing_once)
        await stage.policy.activate(ALLOWING)
        bodies = [(await asyncio.wait_for(call, 60)).body for call in calls]
        await until(lambda: over(stage))
        await held.stop()

        assert sum(b"done: write_file" in body for body in bodies) == 1
        assert len(stage.server.calls()) == 1
        assert [each.outcome for each in await completed(stage)] == ["ok"]


async def completed(stage):
    """Return how calls ended, in order."""
    recorded = await stage.ledger.events()
    return [each.event for each in recorded if isinstance(each.event, CallCompleted)]


async def over(stage):
    return bool(await completed(stage))


async def test_a_held_call_that_needs_other_approvals_now_asks_for_these_at_once(ledger_url):
    async with staged(ledger_url, hold="0s") as stage:
        held = HeldApprovals(stage.ledger, stage.policy, PEOPLE, frozenset())
        held.start()
        call = asyncio.create_task(held_on(stage))
        (first,) = await stage.pending()
        await stage.policy.activate(TWO)

        async def asked():
            found = await stage.ledger.approvals(ApprovalStatus.PENDING)
            return [each for each in found if each.id != first.id]

        (second,) = await until(asked)
        await stage.policy.activate(ALLOWING)
        answer = await asyncio.wait_for(call, 60)
        await held.stop()

        assert second.request.terms[0].approvals == 2
        assert (await stage.ledger.approval(first.id)).status is ApprovalStatus.VOIDED
        assert answer.text == "done: write_file"
        assert len(stage.server.calls()) == 1


async def joined(stage, count):
    """Tell whether so many calls wait for the one approval."""
    (approval,) = await stage.ledger.approvals(ApprovalStatus.PENDING)
    return len(approval.calls) == count
